"""Backups of a whole installation: the database, the files in the store, the keys and pictures of the data folder.

A backup is a folder, or one tar file, with a manifest that names every part with its size and SHA-256.
"""
