"""Setting up `.venv`: a line on what happens and how far it is; the installer's words in a log."""

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from runner.bootstrap.environment import Environment
from runner.bootstrap.installers import Installer, create, find_installer
from runner.bootstrap.progress import Progress, say
from runner.bootstrap.requirements import LLAMA, declared, missing
from runner.errors import INTERRUPTED, BuildError, DiskError, RunnerError
from runner.machine.compiler import compiler_install_line, has_compiler
from runner.machine.remedies import WHEELS

# Options, the same for pip and uv, that build from source whatever was built or installed before.
ANEW = ("--force-reinstall", "--no-deps", "--no-cache-dir", "--no-binary", LLAMA)


def set_up_or_exit(environment: Environment, checkout: Path, *, development: bool) -> None:
    """Make `environment` current, or end the process with a line that says why it is not."""
    try:
        environment.path.mkdir(exist_ok=True)
        with locked(environment.lock):
            set_up(environment, checkout, development=development)
    except RunnerError as error:
        say(f"runner: {error.message} {error.remedy}".rstrip())
        sys.exit(error.exit_code)
    except OSError as error:
        say(f"runner: {environment.path} cannot be written: {error.strerror or error}.")
        sys.exit(DiskError.exit_code)
    except KeyboardInterrupt:
        say("Interrupted: the setup is not finished, and the next start begins it anew.")
        sys.exit(INTERRUPTED)


def set_up(environment: Environment, checkout: Path, *, development: bool) -> None:
    """Create or complete `environment` with what the pyproject.toml in `checkout` asks for.

    Raises BuildError, NetworkError or DiskError, each saying where the installer's log lies.
    """
    requirements = declared(checkout / "pyproject.toml", development=development)
    if environment.is_current(requirements):  # another process did it while this one waited
        return
    if environment.unfinished.exists() or not environment.python.exists():
        clear(environment)
    lacking = missing(requirements, environment.packages())
    rebuild = environment.wants_rebuild() and not any(map(is_llama, lacking))
    compiler = has_compiler()
    say(announcement(lacking, rebuild=rebuild, compiler=compiler))

    environment.log.write_text("", encoding="utf-8")
    environment.unfinished.touch()
    progress = Progress(environment.log)
    try:
        if not environment.python.exists():
            create(environment, progress)
        installer = find_installer(environment, progress)
        for llama in filter(is_llama, requirements if rebuild else lacking):
            install_llama(installer, llama, progress, rebuild=rebuild, compiler=compiler)
            environment.flags.write_text(os.environ.get("CMAKE_ARGS", ""), encoding="utf-8")
        others = [requirement for requirement in requirements if not is_llama(requirement)]
        progress.run([*installer.command, "--editable", str(checkout), *others])
    except DiskError:
        raise  # half a package may have been written
    except RunnerError:
        environment.unfinished.unlink()
        raise
    finally:
        progress.close()
    environment.unfinished.unlink()
    if still := missing(requirements, environment.packages()):
        raise BuildError(
            f"the setup ended without {', '.join(still)}.",
            remedy=f"Delete {environment.path} and start again. Log: {environment.log}",
        )
    say(f"Done in {progress.elapsed()}.")


def install_llama(
    installer: Installer, requirement: str, progress: Progress, *, rebuild: bool, compiler: bool
) -> None:
    """Compile llama.cpp with the flags in CMAKE_ARGS, or take a prebuilt wheel of it.

    Without a compiler there may be one in an index that the person named; but none has a person's
    own flags. With a compiler, one in the installer's cache may have been built with others.
    """
    flags = os.environ.get("CMAKE_ARGS", "")
    if compiler:
        progress.run([*installer.command, *(ANEW if rebuild or flags else ()), requirement])
    elif flags or not progress.try_run([*installer.command, "--only-binary", LLAMA, requirement]):
        raise BuildError(
            "llama.cpp must be compiled for this machine, and no C and C++ compiler was found.",
            remedy=f"Run `{compiler_install_line()}` and start again; or set "
            f"{installer.index_variable}={WHEELS}/cpu to use a prebuilt one.",
        )


def announcement(lacking: Sequence[str], *, rebuild: bool, compiler: bool) -> str:
    """What is about to happen, and how long it takes."""
    compiling = "llama.cpp is compiled for this machine: about four minutes on two cores."
    if rebuild:
        return f'With CMAKE_ARGS="{os.environ["CMAKE_ARGS"]}", {compiling} A GPU takes longer.'
    if any(map(is_llama, lacking)):
        return "Setting up Runner in .venv (once)." + (f" {compiling}" if compiler else "")
    return f"Adding to .venv: {', '.join(lacking)}."


def is_llama(requirement: str) -> bool:
    """Whether a requirement is the one that is compiled."""
    return requirement.startswith(LLAMA)


def clear(environment: Environment) -> None:
    """Empty the folder of an environment that cannot be mended, but for the lock held on it."""
    for entry in environment.path.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry != environment.lock:
            entry.unlink()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`, so that two first starts do not install into each other."""
    with path.open("a", encoding="utf-8") as file:
        if not try_lock(file):
            say("Another start is setting up .venv; waiting for it.")
            while not try_lock(file):
                time.sleep(0.5)
        yield  # closing the file, or the process's end, gives the lock back


def try_lock(file: IO[str]) -> bool:
    """Take the lock on an open file, unless another process holds it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
