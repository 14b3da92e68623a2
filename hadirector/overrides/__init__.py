"""What operators ordered for real servers: drain, disable, weight."""
