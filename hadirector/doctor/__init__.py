"""Finds what on this host, and around it, stands in the way of a configuration.

Facts are gathered by thin shells (`host`, `echo`, `probing`, `knocking`), together in
`examination`; findings are decided by pure functions (`routing`, `way_back`, `kernel`, `answers`),
together in `diagnosis`.
"""
