"""The sysctls that a configuration needs. They are set while the director runs, then restored."""
