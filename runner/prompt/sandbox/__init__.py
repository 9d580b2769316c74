"""Chat templates run here: real Jinja, with provenance kept and time and memory bounded.

jinja2 compiles the template, after every loop, literal, comparison and concatenation of it was
rewritten into a call of ours (`environment.py`). What those calls do is in the files beside it:
who wrote each character (`text.py`), what it costs (`meter.py`), and the operators, methods and
filters a template may use (`operators.py`, `formatting.py`, `methods.py`, `filters.py`).
A template can do nothing that is not listed there.
"""
