"""Personas: named presets of system prompt, model, sampling, files and schema, each a TOML file.

A few ship beside this file; a user's own lie in `personas` beside the configuration file, and one
of the same name goes before a shipped one.
"""

from runner.chat.personas.own import add, make, remove
from runner.chat.personas.persona import Persona, find, folder, listed, names

__all__ = ["Persona", "add", "find", "folder", "listed", "make", "names", "remove"]
