"""Measurements, each a script: `python -m tests.performance.NAME`. What they gave is in LOG.md."""
