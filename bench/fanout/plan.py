"""What both sides of `bench fanout` agree on."""

#: Points on the agenda; the chair takes up one after another, round and round. So many make an event of 300 bytes,
#: because it names the points that were visited.
ITEMS = 48
