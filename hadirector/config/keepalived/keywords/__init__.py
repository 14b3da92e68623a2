"""The tables of keepalived's keywords: for each keyword, what the reader does with it."""
