"""The sysctls that the configuration implies, set and restored."""
