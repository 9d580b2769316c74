"""`runner recommend`: what this machine should run."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner.cli import options

if TYPE_CHECKING:
    from runner.models.recommend import Recommendation

MEASURE = "Measure this machine's speed again, which is otherwise done once."


def recommend(
    measure: Annotated[bool, typer.Option("--measure", help=MEASURE)] = False,
    ctx: options.Context = None,
    device: options.Device = None,
    json: options.Json = None,
    quiet: options.Quiet = None,
) -> None:
    """Say what this machine should run: a fast, a balanced and the best model.

    From the catalogue, by this machine's memory and its measured speed; makes no connection.
    """
    settings = options.settings(locals())

    from runner.cli.measuring import measured
    from runner.cli.output import print_json
    from runner.errors import DoesNotFit
    from runner.models.recommend import recommend as recommended

    measured(settings, again=measure)
    found = recommended(settings)
    if not found:
        raise DoesNotFit(
            "no model of the catalogue fits into the memory that is free here and replies bearably",
            remedy="Close other programs, or see `runner fit` for what comes nearest.",
        )
    if settings.json:
        print_json({"recommended": [_facts(one) for one in found]})
    else:
        _print(found)


def _facts(one: "Recommendation") -> dict[str, Any]:
    from runner.cli.fit import fit_facts

    return {"kinds": one.kinds, "licence": one.entry.licence, **fit_facts(one.fit)}


def _print(found: "list[Recommendation]") -> None:
    from runner.cli.output import print_table
    from runner.cli.words import memory, size

    rows = []
    for one in found:
        fit, plan = one.fit, one.fit.plan
        needed = memory(plan.needed()) if plan else ""
        speed = f"{fit.speed.decode:.0f} tokens/s" if fit.speed else "not measured"
        typed = f"runner chat {one.entry.name}"
        rows.append((", ".join(one.kinds), one.entry.name, fit.quantization or "",
                     size(fit.bytes or 0), needed, speed, typed))  # fmt: skip
    print_table(("FOR", "MODEL", "QUANT", "SIZE", "MEMORY", "DECODE", "TRY"), rows)
