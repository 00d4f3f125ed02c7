"""The worker's side of the outbox: jobs are claimed under a lease, attempted, and their outcome is stored."""
