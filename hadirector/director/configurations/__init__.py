"""The configurations of a director: applying, confirming, undoing, and their archive."""
