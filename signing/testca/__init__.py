"""The marked TEST authority of trial installations and tests, with its services over HTTP."""
