"""Programs at a real pseudo-terminal, and the screen they leave."""
