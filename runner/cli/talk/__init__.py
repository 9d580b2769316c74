"""The loop of a chat: what a person types is obeyed or answered, wherever it is shown."""
