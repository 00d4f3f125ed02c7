"""The web process: its WSGI server, its sockets, and the broadcast of live events to them."""
