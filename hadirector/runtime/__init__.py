"""The Python interpreter of each process: its command line, imports, signals and limits."""
