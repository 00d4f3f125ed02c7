"""Messages that systems of agencies hand over: their checks, what it means, what it does to earlier sendings."""
