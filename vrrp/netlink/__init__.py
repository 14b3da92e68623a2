"""rtnetlink: messages, sockets, link events."""
