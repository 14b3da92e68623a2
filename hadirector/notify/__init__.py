"""Runs notify scripts when instances, sync groups, pools and real servers change their states."""
