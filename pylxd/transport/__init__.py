"""How bytes reach a server: sockets, TLS, HTTP, REST nodes, websockets."""
