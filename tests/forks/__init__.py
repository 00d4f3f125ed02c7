"""Processes of the suite that start by a fork: `server` has the house imported, once for all workers of a run, and
becomes `web` or `worker` as often as asked. Starting a program anew takes two to four seconds of a processor.

The tour, `lienthong up` and the tests of the command line start the programs as people do.
"""
