"""The web process: serves the API, the page and the metrics over TCP to clients with a proof of
their identity. It is itself a client of the API of the director.
"""
