"""From the press of the leader to the sealed paper, and the paper as a file for word processors."""
