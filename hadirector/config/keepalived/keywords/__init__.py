"""The table of keywords: what the reader does with each keyword of keepalived."""
