"""Virtual servers, their real servers, and how packets reach them."""
