"""From a sealed document to its envelope: what does not fit the standard's columns never makes a document stick."""

from datetime import UTC, date, datetime

from directory.queries import AgencyCard
from docex.documents.envelope import Facts, document_key, envelope_of, facts_of
from docex.documents.models import Document
from docex.edxml import read, write
from docex.edxml.model import Staff

AT = datetime(2026, 3, 2, 18, 30, tzinfo=UTC)


def card(number: int) -> AgencyCard:
    return AgencyCard(
        id=number,
        code=f"H99.{number}",
        old_code="",
        name=f"Sở thứ {number}",
        short_name="S",
        place="Thành phố Mẫu",
        is_local=True,
        email="",
        phone="",
        address="",
        parent_id=None,
        merged_into_id=None,
        is_current=True,
    )


def document(places: list[str]) -> Document:
    return Document(
        kind="invitation",
        subject="Họp giao ban",
        places=places,
        urgency=1,
        steering=0,
        due_on=date(2026, 3, 9),
        signer_name="Trần Quốc Bình",
        signer_title="Phó Chánh Văn phòng",
        authority="KT. CHÁNH VĂN PHÒNG",
        code="05/GM-VP",
        issued_on=date(2026, 3, 2),
    )


def test_a_broadcast_to_a_city_of_agencies_is_written_and_read() -> None:
    places = [f"- Sở thứ {n}, để biết;" for n in range(1200)]
    receivers = [card(n) for n in range(2, 1300)]
    envelope = envelope_of(document(places), card(1), "UBND", receivers, Staff("Lê Thị Hà"), 1200, AT)
    assert len(envelope.receivers) == 1298
    assert (envelope.other.copies, envelope.other.pages) == (999, 999)
    assert 900 < sum(map(len, envelope.places)) <= 1000
    assert list(envelope.places) == places[: len(envelope.places)]
    assert read(write(envelope)) == envelope


def test_the_sender_stands_first_in_the_trace_at_vietnamese_time() -> None:
    envelope = envelope_of(document([]), card(1), "", [card(2)], Staff("Lê Thị Hà"), None, AT)
    assert [t.organ_code for t in envelope.traces] == ["H99.1"]
    assert b"2026/03/03 01:30:00" in write(envelope)
    assert envelope.document_id == document_key("H99.1", date(2026, 3, 2), "05/GM-VP") == "H99.1,2026/03/02,05/GM-VP"
    assert (envelope.number, envelope.notation, envelope.type.detail) == ("05", "GM-VP", 25)


def test_the_facts_of_an_envelope_survive_the_database() -> None:
    envelope = envelope_of(document(["- Như trên;"]), card(1), "", [card(2)], Staff("Lê Thị Hà"), 2, AT)
    facts = facts_of(envelope)
    assert Facts.from_json(facts.to_json()) == facts
    assert (facts.code, facts.kind_name, facts.urgency, facts.places) == ("05/GM-VP", "Giấy mời", 1, ("- Như trên;",))
