"""What a director says of itself: report, explanation, metrics."""
