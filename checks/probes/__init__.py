"""One conversation per probe type."""
