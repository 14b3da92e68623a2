"""Examines this host and its network for faults that break a configuration.

`examination` gathers the facts with the modules `host`, `echo` and `probing`. The modules in
`diagnosis` decide the findings from them, without input or output.
"""
