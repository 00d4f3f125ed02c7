"""Votes in a meeting: by name, by a show of hands, by secret ballots; and opinion sheets between meetings."""
