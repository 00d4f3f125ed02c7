"""What the operator of the hub sees of the connected systems, and may do about them."""
