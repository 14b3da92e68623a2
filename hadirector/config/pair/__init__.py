"""The section ``pair``: the link between the directors of a pair."""
