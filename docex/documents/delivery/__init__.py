"""How far a sending has come at each receiver, and the port of the transports that bring it there."""
