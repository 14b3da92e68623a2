"""Makes a program that was installed from a wheel a service of systemd, and removes the service.

The Debian package uses the same files.
"""
