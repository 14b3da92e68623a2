"""Source addresses replaced on the way to real servers: what makes fullnat of nat."""
