"""The command line: options in, calls down, words, tables and progress out. One file a command."""
