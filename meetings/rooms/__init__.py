"""What happens in the room: the order and the times of speakers."""
