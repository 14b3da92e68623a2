"""The verdicts of all targets, the checks workers and blindness."""
