"""What invitations say on each of their faces, and what happens to them after they were sent."""
