"""The configurations of a running director: applying, confirming, undoing, and archiving."""
