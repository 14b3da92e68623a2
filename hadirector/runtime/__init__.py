"""How the interpreter of each process is started, and which modules it imports."""
