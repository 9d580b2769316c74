"""Searching the Hub for GGUF repositories.

The request is made here rather than by the client's `list_models`: that one knows no timeout, not
even the session's, and retries on its own behind the back of Runner's budget.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from runner import __version__
from runner.hub.listing import base_models_of, licence_of
from runner.hub.problems import PORTAL, translated
from runner.hub.retry import Transient

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

SORTS = {
    "downloads": "downloads",
    "likes": "likes",
    "updated": "lastModified",
    "trending": "trendingScore",
}
"""What results can be sorted by, the most first, and what the Hub calls it."""

PAGE = 100  # results the Hub gives at once
FACTS = ("gguf", "cardData", "downloads", "likes", "lastModified", "gated")


@dataclass(frozen=True, slots=True)
class Found:
    """A repository on the Hub; None where it does not say.

    `context` is in tokens, `downloads` are those of the last 30 days. `gate` is "auto" or "manual"
    where a licence must be accepted first.
    """

    repository: str
    parameters: int | None
    architecture: str | None
    context: int | None
    licence: str | None
    base_models: tuple[str, ...]
    downloads: int | None
    likes: int | None
    updated: datetime | None
    gate: str | None


def search(endpoint: str, words: str, sort: str, limit: int, timeout: float) -> list[Found]:
    """See Hub.search. Raises Transient, and what `translated` does."""

    with translated(endpoint, words, f"what it has of {words!r}"):
        answers = _answers(endpoint, words, SORTS[sort], limit, timeout)
        try:
            found = [_found(_info(answer)) for answer in answers]
        except UnicodeEncodeError:
            raise  # the token's fault, which `translated` explains
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Transient(f"{endpoint} did not answer as a Hub does", remedy=PORTAL) from error
    return [each for each in found if each.repository.isprintable()]


def _answers(
    endpoint: str, words: str, sort: str, limit: int, timeout: float
) -> Iterator[dict[str, Any]]:
    """The Hub's JSON of each repository, page after page."""
    from runner.hub import stack

    address: str | None = f"{endpoint}/api/models"
    query: dict[str, Any] | None = {
        "search": words,
        "filter": "gguf",
        "sort": sort,
        "limit": min(limit, PAGE),
        "expand": FACTS,
    }
    headers = stack.build_hf_headers(library_name="runner", library_version=__version__)
    # A page elsewhere would be sent the token.
    while address and address.startswith(f"{endpoint}/"):
        response = stack.get_session().get(address, params=query, headers=headers, timeout=timeout)
        stack.hf_raise_for_status(response)
        page = response.json()[:limit]
        yield from page
        limit -= len(page)
        query, address = None, response.links.get("next", {}).get("url")
        if limit <= 0 or not page:
            return


def _info(answer: dict[str, Any]) -> "ModelInfo":
    """What the client makes of an answer: dates, and the model card's data."""
    from runner.hub import stack

    made: ModelInfo = stack.ModelInfo(**answer)  # type: ignore[no-untyped-call]
    return made


def _found(info: "ModelInfo") -> Found:
    gguf = info.gguf if isinstance(info.gguf, dict) else {}
    architecture = gguf.get("architecture")
    return Found(
        repository=info.id,
        parameters=_count(gguf.get("total")),
        architecture=architecture if isinstance(architecture, str) else None,
        context=_count(gguf.get("context_length")),
        licence=licence_of(info.card_data),
        base_models=base_models_of(info.card_data),
        downloads=_count(info.downloads),
        likes=_count(info.likes),
        updated=info.last_modified,
        gate=info.gated if isinstance(info.gated, str) else None,
    )


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None
