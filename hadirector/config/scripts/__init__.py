"""The keys of scripts: the program, its user, and the states for which it runs."""
