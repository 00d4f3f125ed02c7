"""Letters to partners: queued, composed, sent, followed until they are confirmed."""
