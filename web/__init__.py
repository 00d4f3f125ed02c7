"""Composition: the application, its entry, sockets, worker and command line."""
