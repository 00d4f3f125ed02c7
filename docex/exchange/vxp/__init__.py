"""The VXP shape: an existing document system that speaks the official SDK's protocol, and an axis above this one.

The façade is a second entrance to the same hub: what comes in goes through `docex.exchange.intake.acceptance`, what
goes out are the deliveries and statuses that every other page shows.
"""
