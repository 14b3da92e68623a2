"""rtnetlink: messages, the socket, link events."""
