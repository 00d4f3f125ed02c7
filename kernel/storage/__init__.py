"""Stored files: on disk or in S3, checked when they are read, swept when nothing names them any more."""
