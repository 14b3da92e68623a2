"""Idle connections that hint that a target may have gone."""
