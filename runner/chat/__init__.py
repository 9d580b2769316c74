"""A conversation: whose turn it is, what was said, and the reply under way. Prints nothing."""

from runner.chat.conversation import Conversation, Reply

__all__ = ["Conversation", "Reply"]
