"""The three kinds of process and the channel between them."""
