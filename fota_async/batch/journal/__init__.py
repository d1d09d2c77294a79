"""The journal: a run's record on disk, from which a later start of the same run goes on.

An SQLite file in WAL mode. Nothing in it is ever changed but the row of the start that is under
way: what is known about a device is what the last entry with its id says.
"""
