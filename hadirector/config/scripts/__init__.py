"""Scripts: which program runs, as which user, and for which states it is told."""
