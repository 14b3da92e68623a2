"""The director process: its life cycle, its message loop, and changes of the configuration."""
