"""The room's names, imported late: all are there, and a list of models imports little."""

import subprocess
import sys

from runner import models

LIST = """
import sys
from runner import models
models.here()
print(*(name for name in sys.modules if name.startswith("runner.")))
"""


def test_every_name_is_there_and_nothing_else() -> None:
    assert sorted(models.__all__) == models.__all__
    assert set(models.__all__) == set(models._PLACE)
    assert all(getattr(models, name) is not None for name in models.__all__)
    assert not hasattr(models, "anything_else")


def test_a_list_of_models_imports_little() -> None:
    done = subprocess.run([sys.executable, "-c", LIST], capture_output=True, text=True, check=True)
    rooms = {name.split(".")[1] for name in done.stdout.split()}
    assert "library" in rooms
    assert not rooms & {"hub", "engine", "fit", "llama", "prompt", "kvstore"}
