"""The director itself and its API."""
