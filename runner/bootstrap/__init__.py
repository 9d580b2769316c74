"""From a bare clone to the running program, with nothing but Python's standard library.

`python -m runner` and `python -m tests` call `ready` before anything else. An interpreter that has
what pyproject.toml asks for goes straight on, in a few milliseconds; any other sets up `.venv`
beside that file and hands over to its Python. An installed Runner has no such file and needs none.
"""

import sys
from pathlib import Path

from runner.bootstrap.environment import Environment
from runner.bootstrap.requirements import declared, installed, missing

CHECKOUT = Path(__file__).resolve().parents[2]


def ready(module: str, *, development: bool = False, checkout: Path = CHECKOUT) -> None:
    """Return where this interpreter can run Runner (and, for `development`, its tests).

    Elsewhere set up `.venv` in the `checkout` if that is needed, and replace this process by its
    Python running `-m module` with the same arguments. Ends the process with one line on the
    standard error and a documented exit code where that cannot be done.
    """
    pyproject = checkout / "pyproject.toml"
    if not pyproject.is_file():
        return
    requirements = declared(pyproject, development=development)
    environment = Environment(checkout / ".venv")
    if environment.is_running:
        if environment.is_current(requirements):
            return
    elif not missing(requirements, installed(sys.path)):
        return
    if not environment.is_current(requirements):
        from runner.bootstrap.setup import set_up_or_exit

        set_up_or_exit(environment, checkout, development=development)
    environment.run(module, sys.argv[1:])
