"""The folder agent: a small office puts edXML files into a folder and finds what came in another.

It runs on the office's own machine and speaks the hub's public API. Nothing of it is trusted by the hub beyond its
credentials.
"""
