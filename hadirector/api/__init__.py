"""The control interface of a running director, over HTTP."""
