"""What `runner show` prints of a repository that is neither in the catalogue nor on this disk: what
the Hub says of it, and how its quantizations would run here."""

from typing import TYPE_CHECKING

from runner.errors import RunnerError
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.hub import Listing


def show_remote(text: str, settings: Settings) -> None:
    """Ask the Hub, and print. Raises what `Hub.listing` and `models.fits` raise."""
    from runner.cli.fit import fit_facts, print_fits
    from runner.cli.loading import asking
    from runner.cli.output import print_facts, print_json, remark
    from runner.cli.terminal.progress import PassingLine
    from runner.models.fit import fits
    from runner.reference import HubReference, parse

    reference = parse(text)
    assert isinstance(reference, HubReference)  # all else is on this disk or an error
    line = PassingLine(settings)
    ask = asking(settings, line)
    found, unknown = [], ""
    try:
        listing = ask["hub"]().listing(reference.repository, reference.revision)
        try:
            found = fits(text, settings, **ask)
        except RunnerError as error:  # a gated file or a strange one stops no facts
            unknown = f"how it fits here is not known: {error.message}"
    finally:
        line.clear()
    if unknown:
        remark(unknown, settings)
    if settings.json:
        print_json(
            {
                "catalogue": None,
                "here": None,
                "file": None,
                "repository": {
                    "name": listing.repository,
                    "commit": listing.commit,
                    "licence": listing.licence,
                    "licence_link": listing.licence_link,
                    "base_models": list(listing.base_models),
                    "gated": listing.gated,
                    "updated": listing.updated.isoformat() if listing.updated else None,
                },
                "fits": [fit_facts(fit) for fit in found],
            }
        )
        return
    print_facts(_about(listing))
    if found:
        print()
        print_fits(found, settings)


def _about(listing: "Listing") -> list[tuple[str, str]]:
    gates = {"auto": "its licence must be accepted", "manual": "its owner lets in by hand"}
    said = {
        "name": f"hf.co/{listing.repository}",
        "licence": ", ".join(filter(None, (listing.licence, listing.licence_link))) or "not stated",
        "made from": ", ".join(listing.base_models),
        "gated": gates.get(listing.gate or "", "yes") if listing.gated else "",
        "updated": f"{listing.updated:%Y-%m-%d}" if listing.updated else "",
        "commit": listing.commit,
    }
    return [(label, text) for label, text in said.items() if text]
