"""Telling people: a catalogue of messages, e-mail and SMS, one-tap links and a ledger of every message."""
