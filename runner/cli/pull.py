"""`runner pull`: a model from the Hub to this disk, whole and verified."""

from runner.cli import options


def pull(
    model: options.Model,
    json: options.Json = None,
    offline: options.Offline = None,
    quiet: options.Quiet = None,
) -> None:
    """Fetch a model from Hugging Face.

    What an earlier run began is continued. The file is kept only if its sha256 is right.
    """
    settings = options.settings(locals())

    from runner.cli.facts import located_facts
    from runner.cli.loading import fetch
    from runner.cli.output import print_json
    from runner.cli.words import size

    located = fetch(model, settings)
    facts = located_facts(located)
    if settings.json:
        print_json(facts)
    else:
        print(f"{located.name}   {size(facts['bytes'])}   {located.path}")
