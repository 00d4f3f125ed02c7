"""The streams of people and of the clerks of an agency."""

from kernel.streams import StreamName, StreamPrefix

PERSON = StreamPrefix("person")
AGENCY = StreamPrefix("agency")


def person_stream(person_id: int) -> StreamName:
    """The stream that one person follows: own tasks, letters and answers."""
    return PERSON.of(person_id)


def clerks_stream(agency_id: int) -> StreamName:
    """The stream of the clerks and leaders of an agency."""
    return AGENCY.of(agency_id, "clerks")
