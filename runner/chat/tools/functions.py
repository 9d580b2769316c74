"""Python functions as tools: found in a file, described by their signature and docstring, run in
a thread of this program."""

import importlib.util
import inspect
import json
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from runner.chat.tools.described import described
from runner.chat.tools.tool import ToolFailed
from runner.errors import ConfigurationError

_REMEDY = "Give it as FILE.py for all public functions of a file, or as FILE.py:NAME for one."


@dataclass(frozen=True, slots=True)
class Function:
    """A Python function that a model may call."""

    name: str
    source: str
    """The stem of the file it is from."""
    description: str
    parameters: Mapping[str, Any]
    function: Callable[..., Any]

    def start(self, arguments: dict[str, Any]) -> Future[str]:
        """Run it in a thread that does not keep the program from ending: nothing can stop it."""
        future: Future[str] = Future()

        def run() -> None:
            # A future that was cancelled meanwhile takes no result.
            with suppress(InvalidStateError):
                try:
                    future.set_result(_text(self._run(arguments)))
                except BaseException as error:  # whatever is raised, the model is told
                    reason = f"{type(error).__name__}: {error}"
                    future.set_exception(ToolFailed(reason))

        threading.Thread(target=run, name=f"tool {self.name}", daemon=True).start()
        return future

    def _run(self, arguments: dict[str, Any]) -> Any:
        result = self.function(**arguments)
        if not inspect.iscoroutine(result):
            return result

        import asyncio

        async def awaited() -> Any:
            return await result

        return asyncio.run(awaited())


def load(names: Iterable[str]) -> list[Function]:
    """The functions that `FILE.py` or `FILE.py:NAME` name. Each file is imported, and so run, once.

    Raises ConfigurationError.
    """
    public: dict[Path, dict[str, Callable[..., Any]]] = {}
    found: dict[tuple[Path, str], Function] = {}
    for one in names:
        file, _, name = one.rpartition(":") if not one.endswith(".py") else (one, "", "")
        path = Path(file).expanduser().absolute()
        if path.suffix != ".py" or not path.is_file():
            raise ConfigurationError(f"There is no Python file {file or one}.", remedy=_REMEDY)
        if path not in public:
            public[path] = _public(_imported(path))
        for called in _chosen(name, public[path], file):
            function = public[path][called]
            words = described(function, f"{file}:{called}")
            found[path, called] = Function(called, path.stem, *words, function)
    return list(found.values())


def _chosen(name: str, public: Collection[str], file: str) -> Collection[str]:
    """The function of that name, or all of them without one."""
    if not public:
        raise ConfigurationError(f"{file} has no public function.", remedy=_REMEDY)
    if name and name not in public:
        raise ConfigurationError(
            f"{file} has no public function {name!r}.", remedy=f"It has {', '.join(public)}."
        )
    return [name] if name else public


def _imported(path: Path) -> ModuleType:
    """The file as a module. Its folder is searched last, so that it may import its neighbours and
    yet hide nothing."""
    module_name = f"runner_tools_{path.stem}_{abs(hash(path)):x}"
    specification = importlib.util.spec_from_file_location(module_name, path)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    vars(module)["print"] = _aside
    sys.modules[module_name] = module
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    try:
        specification.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[module_name]
        raise ConfigurationError(
            f"{path} cannot be imported: {type(error).__name__}: {error}",
            remedy="Mend the file, or leave --tool out.",
        ) from error
    return module


def _aside(*values: object, **options: Any) -> None:
    """What a tool's file prints is no answer, so it does not go where answers go."""
    print(*values, **{"file": sys.stderr, **options})


def _public(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """The functions the file itself defines, but for those whose name begins with _."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and inspect.isfunction(value)
        and value.__module__ == module.__name__
    }


def _text(result: Any) -> str:
    """A result as the model is given it: text as it is, everything else as JSON."""
    if isinstance(result, str):
        return result
    return json.dumps(result, ensure_ascii=False, default=str)
