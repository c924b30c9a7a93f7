"""How bytes reach a server: connections, TLS, REST nodes and websockets."""
