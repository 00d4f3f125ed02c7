"""Receivers of our own that log what they accept: for tests, fault runs and `lienthong tour`."""
