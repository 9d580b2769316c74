"""Benchmarks: what is measured of a model's speed, memory, energy and answers, how, what may be
concluded from it, and the record of it all. Prints nothing.

The figures are the engine's own `Timings`, the same that follow a turn of a chat.
"""
