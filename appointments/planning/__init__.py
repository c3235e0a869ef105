"""The exact planner: who keeps a seat, who moves where, who has none yet.

Pure Python and numpy: no Django, no database. `solve(Problem) -> Plan` serves both the plans an
officer prepares (the problem built from rows) and `manage.py simulate` (built from a file).
How it works, in plain words: docs/planning.md.
"""
