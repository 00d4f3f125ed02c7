"""What systems of agencies hand over: its checks, what it means, what it does to earlier sendings."""
