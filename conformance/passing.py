"""What has come to a mailbox, and what has not."""

import time
from collections import Counter

from conformance.evidence import taken
from conformance.letters import a_letter
from conformance.party import Party

LATE_S = 1.0
"""Several workers of a hub may deliver in another order than they were told."""


def come(sender: Party, receiver: Party) -> Counter[str]:
    """How often each document waits in the mailbox once a letter that is handed in now has come: by then all has come
    that was handed in before, also what a hub should not have taken."""
    last = a_letter(sender.code, receiver.code)
    taken(sender.hand_in(last.data))
    receiver.item(last.document_id)
    time.sleep(LATE_S)
    return Counter(item["document_id"] for item in receiver.waiting())
