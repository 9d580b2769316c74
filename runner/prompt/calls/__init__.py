"""The formats in which models of different families write tool calls, one file each.

Every format has a SIGN, what its text begins with, and `read`, which takes a whole text of calls
without the marks around it and raises RunnerError where it is not what the format says.
"""
