"""The states of all targets, the checks workers, and the blindness of the director."""
