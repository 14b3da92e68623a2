"""rtnetlink: the messages as bytes, the socket, and a watcher for changes of interfaces."""
