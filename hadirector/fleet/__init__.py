"""The view of many directors at once: their inventory, their answers, and their differences."""
