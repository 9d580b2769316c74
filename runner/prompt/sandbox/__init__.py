"""Chat templates run here: real Jinja, with provenance kept and time and memory bounded.

jinja2 parses and compiles the template (`environment.py`); in between its syntax tree is rewritten
into calls of ours (`rewriter.py`). What those calls do is in the files beside them: who wrote each
character (`text.py`), what it costs (`meter.py`), and the operators, methods, filters, tests and
functions there are (`operators.py`, `formatting.py`, `methods.py`, `filters.py`). A template can do
nothing that is not listed there.
"""
