"""What can go wrong with the Hub, in Runner's own errors.

Lasting failures become a RunnerError with its remedy; passing ones become Transient, which
retry.py counts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner.errors import AccessDenied, NetworkError, OfflineError, RunnerError, UnknownModel
from runner.hub.retry import Transient, asked_wait

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

    from runner.hub.stack import httpx

LOG_IN = "`hf auth login`, or set HF_TOKEN to a token from https://huggingface.co/settings/tokens"
CHECK_NETWORK = "Check the connection. Models that are already here work without one."
PORTAL = "A proxy or a login page stands before the Hub: open a browser and see what it asks."


@contextmanager
def translated(
    endpoint: str, repository: str, what: str, server: str | None = None
) -> Iterator[None]:
    """Turn what huggingface_hub and its HTTP client raise into RunnerError or Transient.

    `what` names the thing asked for, for messages: a repository, or a file in one. `server` is
    who was asked, where that was not the Hub at `endpoint`.
    """
    from runner.hub.stack import errors, httpx

    try:
        yield
    except errors.OfflineModeIsEnabled as error:
        raise OfflineError(
            f"{what} would have to be fetched, and HF_HUB_OFFLINE forbids it",
            remedy="Unset HF_HUB_OFFLINE, or use a model that is already here.",
        ) from error
    except errors.GatedRepoError as error:
        raise _gated(endpoint, repository, error) from error
    except errors.DisabledRepoError as error:
        raise AccessDenied(f"the Hub has disabled {repository}") from error
    except errors.RepositoryNotFoundError as error:
        raise UnknownModel(
            f"{endpoint} has no model repository {repository}",
            remedy=f"Check the spelling; if it is private, log in: {LOG_IN}.",
        ) from error
    except (errors.RevisionNotFoundError, errors.RemoteEntryNotFoundError) as error:
        raise UnknownModel(f"there is no {what} on {endpoint}") from error
    except errors.HFValidationError as error:
        raise UnknownModel(f"{repository!r} is not the name of a repository") from error
    except errors.HfHubHTTPError as error:
        raise _refused(endpoint, what, error) from error
    except httpx.TimeoutException as error:
        raise Transient(f"{server or endpoint} stopped answering", remedy=CHECK_NETWORK) from error
    except (httpx.ConnectError, httpx.ProxyError) as error:
        cause = f"cannot reach {server or endpoint}: {_line(error)}"
        raise Transient(cause, remedy=CHECK_NETWORK) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Transient(f"lost the connection: {_line(error)}", remedy=CHECK_NETWORK) from error
    except UnicodeEncodeError as error:
        raise AccessDenied(
            "the Hugging Face token holds characters that no token has", remedy=f"Use {LOG_IN}."
        ) from error


def _gated(endpoint: str, repository: str, error: "HfHubHTTPError") -> AccessDenied:
    page = f"{endpoint}/{repository}"
    if error.response.status_code == 401:
        steps = f"Accept its licence at {page}, then log in: {LOG_IN}."
    else:
        steps = f"Accept its licence at {page} with the account whose token is in use."
    return AccessDenied(f"{repository} is gated: its licence must be accepted first", remedy=steps)


def _refused(endpoint: str, what: str, error: "HfHubHTTPError") -> RunnerError | Transient:
    """The meaning of a status that the Hub gave without one of its own error codes."""
    status = error.response.status_code
    if status == 401:
        return AccessDenied(
            f"{endpoint} refused the Hugging Face token",
            remedy=f"Unset it (public models need none), or replace it: {LOG_IN}.",
        )
    if status == 403:
        return AccessDenied(
            f"{endpoint} does not let this token read {what}",
            remedy=f"Use a token with read access to it: {LOG_IN}.",
        )
    if status == 404:
        return UnknownModel(f"there is no {what} on {endpoint}")
    if status in (408, 429) or status >= 500:
        return busy(endpoint, error.response)
    return NetworkError(f"{endpoint} answered {status} when asked for {what}")


def busy(who: str, response: "httpx.Response") -> Transient:
    """A server that cannot answer now, with the wait it asks for."""
    from runner.hub.stack import parse_ratelimit_headers

    wait = asked_wait(response.headers.get("Retry-After"), response.headers.get("Date"))
    limit = parse_ratelimit_headers(response.headers)
    if response.status_code == 429 and limit is not None and limit.remaining == 0:
        wait = float(limit.reset_in_seconds)
    return Transient(f"{who} answered {response.status_code}", remedy="Try again later.", wait=wait)


def _line(error: Exception) -> str:
    """What the client says, in one printable line; its kind where it says nothing."""
    text = " ".join(str(error).split())
    return text if text and text.isprintable() else type(error).__name__
