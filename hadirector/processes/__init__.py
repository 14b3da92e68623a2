"""The processes of a director, and the channels between them."""
