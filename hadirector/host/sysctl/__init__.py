"""The sysctls that a configuration needs: set while the director runs, restored at the end."""
