"""The pair link: TLS with pinned certificates, the listener for peers, and requests to them."""
