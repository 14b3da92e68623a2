"""Converts a keepalived.conf to the document that the schema and the rules check. Pure.

A text goes through five steps: lines with their origin, words, statements, values, a document. Each
value keeps its place in the keepalived.conf, so a fault that the schema finds names the line that
the operator wrote. The tables in `keywords` decide what happens to each keyword.
"""
