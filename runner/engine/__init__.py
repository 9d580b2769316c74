"""A loaded model's sequences: prompts in, typed events out, timed where tokens are sampled.

Knows neither where a file came from nor what a conversation is.
"""
