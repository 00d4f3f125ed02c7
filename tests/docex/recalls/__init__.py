"""Taking back, withdrawing and replacing what was sent."""
