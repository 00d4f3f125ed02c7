"""Taking back, sending again and replacing what was issued, between agencies."""
