"""Conversations: whose turn it is, what was said and is kept, and the reply under way. Prints
nothing.

The names below are imported where they are first asked for: a list of personas or of conversations
need not wait for what computes replies.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.chat.conversation import Conversation
    from runner.chat.reply import Reply

__all__ = ["Conversation", "Reply"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from runner.chat import conversation

    return getattr(conversation, name)
