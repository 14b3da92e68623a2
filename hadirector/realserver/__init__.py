"""Makes a host fit to be a real server behind direct routing or a tunnel."""
