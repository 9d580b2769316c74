"""The folder that tests put on PYTHONPATH, so that child Pythons are guarded as well."""
