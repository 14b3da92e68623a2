"""Reads keepalived.conf into the document that the schema and the rules check. Pure.

A text goes through five steps: lines with their origin, words, statements, values, a document. Each
value keeps its place in the keepalived.conf, so a fault of the schema names the line that the
operator wrote. The values of `keywords` decide what happens to each keyword.
"""
