"""Ways an advertisement travels."""
