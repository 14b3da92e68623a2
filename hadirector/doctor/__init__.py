"""Examines this host and its network for faults that break a configuration.

Thin shells gather the facts: `host`, `echo` and `probing`, called by `examination`. Pure functions
decide the findings: `kernel`, `routing`, `return_path` and `probe_results`, called by `diagnosis`.
"""
