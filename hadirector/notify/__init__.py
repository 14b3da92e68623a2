"""Runs the scripts for new states of instances, sync groups, pools and real servers."""
