"""Verdicts on the papers of envelopes and on envelopes themselves: made by the worker, kept, shown."""
