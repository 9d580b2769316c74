"""Where Runner's own files lie. Apart from the settings: those take longer to import than a person
waits for at Tab."""

import os
from pathlib import Path


def data_directory() -> Path:
    """Where models, history and records live: RUNNER_HOME, else the system's place for data."""
    if home := os.environ.get("RUNNER_HOME"):
        return Path(home).expanduser()
    import platformdirs

    return platformdirs.user_data_path("runner", appauthor=False)


def cache_directory() -> Path:
    """Where what can be fetched or computed again is kept: in RUNNER_HOME, else the system's place
    for caches."""
    if os.environ.get("RUNNER_HOME"):
        return data_directory() / "cache"
    import platformdirs

    return platformdirs.user_cache_path("runner", appauthor=False)


def config_file() -> Path:
    """The configuration file: RUNNER_CONFIG, else the system's place for settings."""
    if named := os.environ.get("RUNNER_CONFIG"):
        return Path(named).expanduser()
    import platformdirs

    return platformdirs.user_config_path("runner", appauthor=False) / "config.toml"
