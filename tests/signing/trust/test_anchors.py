"""A root is trusted only when two administrators have agreed on it, and everything they do is on record."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import serialize_certificates

from directory.actor import Actor
from kernel import clock
from kernel.audit import AuditEntry
from kernel.errors import Conflict, Forbidden, Invalid, NotFound, WrongState
from kernel.outbox import Job
from signing.pdf.pades import sign_person
from signing.trust import anchors
from signing.trust import jobs as trust_jobs
from signing.trust.models import ChangeState, TrustChange, TrustedRoot
from signing.trust.snapshot import trust_now
from signing.trust.trust_store import Purpose
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.reasons import Code
from signing.verification.file_verification import verify
from tests.signing.papers import minimal_pdf
from tests.signing.trust.conftest import SIGNING, Instance, Public


def proposed(instance: Instance, public: Public, **more: Any) -> TrustChange:
    root = public.authority.root_certificate
    return instance.act(instance.admin, anchors.propose, root, SIGNING, "tải từ trang của CA", allow_test=True, **more)


def on_record(instance: Instance) -> list[tuple[str, str]]:
    with instance.db.read() as tx:
        query = sa.select(AuditEntry).where(AuditEntry.chain == "system", AuditEntry.action.startswith("signing."))
        return [(entry.action, entry.by) for entry in tx.session.scalars(query.order_by(AuditEntry.seq))]


def state_of(instance: Instance, change_id: int) -> str:
    with instance.db.read() as tx:
        return tx.session.get_one(TrustChange, change_id).state


def test_the_store_is_empty_at_first(instance: Instance) -> None:
    assert instance.trust.empty


def test_a_root_is_trusted_when_a_second_administrator_confirms_it(instance: Instance, public: Public) -> None:
    change = proposed(instance, public)
    assert instance.trust.empty
    instance.act(instance.second, anchors.confirm, change.id, change.sha256)
    (anchor,) = instance.trust.anchors
    assert anchor.sha256 == change.sha256
    assert anchor.purposes == {Purpose.PERSON, Purpose.SEAL, Purpose.TSA}
    admin, second = instance.admin.by, instance.second.by
    assert on_record(instance) == [("signing.root_proposed", admin), ("signing.root_added", second)]


def test_the_trust_is_the_same_object_until_something_changes(instance: Instance, public: Public) -> None:
    before = instance.trust
    assert instance.trust is before  # programs that judge are told only what is another one
    instance.trusts(public.authority.root_certificate)
    after = instance.trust
    assert after is not before
    assert instance.trust is after


def test_nobody_confirms_their_own_proposal(instance: Instance, public: Public) -> None:
    change = proposed(instance, public)
    with pytest.raises(Forbidden):
        instance.act(instance.admin, anchors.confirm, change.id, change.sha256)
    with pytest.raises(Forbidden):
        instance.act(instance.admin, anchors.refuse, change.id, "không")
    assert instance.trust.empty


@pytest.mark.parametrize("wrong", ["", "0" * 64, "-8:", "-63:", "0 one more", "one digit"])
def test_the_second_person_has_to_bring_the_whole_fingerprint(instance: Instance, public: Public, wrong: str) -> None:
    change = proposed(instance, public)
    right = change.sha256
    other = {
        "-8:": right[-8:],
        "-63:": right[-63:],
        "0 one more": f"{right}0",
        "one digit": f"{right[:-1]}{'0' if right[-1] != '0' else '1'}",
    }
    with pytest.raises(Invalid) as caught:
        instance.act(instance.second, anchors.confirm, change.id, other.get(wrong, wrong))
    assert set(caught.value.fields) == {"fingerprint"}
    assert instance.trust.empty


def test_a_whole_fingerprint_with_colons_is_understood(instance: Instance, public: Public) -> None:
    change = proposed(instance, public)
    typed = ":".join(change.sha256[n : n + 2] for n in range(0, 64, 2)).upper()
    instance.act(instance.second, anchors.confirm, change.id, typed)
    assert not instance.trust.empty


def test_only_administrators_of_the_instance_take_part(instance: Instance, public: Public) -> None:
    root = public.authority.root_certificate
    change = proposed(instance, public)
    for actor in (instance.cast.ha, instance.cast.lan, instance.cast.binh):
        with pytest.raises(Forbidden):
            instance.act(actor, anchors.propose, root, SIGNING, "x", allow_test=True)
        with pytest.raises(Forbidden):
            instance.act(actor, anchors.confirm, change.id, change.sha256)
        with pytest.raises(Forbidden):
            instance.act(actor, anchors.add_intermediate, public.authority.issuing_certificate)


def test_a_root_is_taken_away_by_two_people_too(instance: Instance, public: Public) -> None:
    instance.trusts(public.authority.root_certificate)
    fingerprint = instance.trust.anchors[0].sha256
    change = instance.act(instance.second, anchors.propose_removal, fingerprint, "CA ngừng hoạt động")
    assert not instance.trust.empty
    instance.act(instance.admin, anchors.confirm, change.id, fingerprint)
    assert instance.trust.empty
    assert on_record(instance)[-1] == ("signing.root_removed", instance.admin.by)


def test_a_proposal_can_be_withdrawn_or_refused_once(instance: Instance, public: Public) -> None:
    first = proposed(instance, public)
    with pytest.raises(Forbidden):
        instance.act(instance.second, anchors.withdraw, first.id)
    instance.act(instance.admin, anchors.withdraw, first.id)
    second = proposed(instance, public)
    instance.act(instance.second, anchors.refuse, second.id, "dấu vân tay khác công văn")
    assert [state_of(instance, one.id) for one in (first, second)] == [ChangeState.WITHDRAWN, ChangeState.REFUSED]
    for change in (first, second):
        with pytest.raises(WrongState):
            instance.act(instance.second, anchors.confirm, change.id, change.sha256)
    assert instance.trust.empty


def test_one_proposal_about_a_certificate_waits_at_a_time(instance: Instance, public: Public) -> None:
    proposed(instance, public)
    with pytest.raises(Conflict):
        instance.act(
            instance.second, anchors.propose, public.authority.root_certificate, SIGNING, "nữa", allow_test=True
        )


@pytest.mark.repeats("signing.trust_expire")
def test_a_proposal_that_nobody_confirms_ends_by_itself(instance: Instance, public: Public) -> None:
    change = proposed(instance, public)
    instance.work()
    assert state_of(instance, change.id) == ChangeState.PROPOSED
    with clock.frozen(clock.now() + timedelta(days=8)):
        with pytest.raises(WrongState):
            instance.act(instance.second, anchors.confirm, change.id, change.sha256)
        instance.work()
        assert state_of(instance, change.id) == ChangeState.EXPIRED
        told = on_record(instance)
        job = Job(1, "signing.trust_expire", "x", {"change_id": change.id}, 1, 1, clock.now(), None, None)
        with instance.db.write() as tx:
            trust_jobs.trust_expire(tx, job)
        assert on_record(instance) == told
    assert told[-1] == ("signing.root_expired", "job:signing.trust_expire")


@pytest.mark.repeats("signing.trust_expire")
def test_the_end_of_a_confirmed_proposal_changes_nothing(instance: Instance, public: Public) -> None:
    instance.trusts(public.authority.root_certificate)
    with clock.frozen(clock.now() + timedelta(days=8)):
        instance.work()
    assert not instance.trust.empty


def test_test_authorities_stay_outside_of_production(instance: Instance, public: Public) -> None:
    root = public.authority.root_certificate
    with pytest.raises(Invalid) as caught:
        instance.act(instance.admin, anchors.propose, root, SIGNING, "x")
    assert set(caught.value.fields) == {"certificate"}
    instance.trusts(root)
    with instance.db.read() as tx:
        assert trust_now(tx, soft=timedelta(), allow_test=False).empty


@pytest.mark.parametrize("what", ["person", "issuing", "nothing", "garbage", "no purpose", "no reason"])
def test_what_cannot_be_a_root_is_refused_with_the_field_named(instance: Instance, public: Public, what: str) -> None:
    certificate = {
        "person": public.person.describe().certificate,
        "issuing": public.authority.issuing_certificate,
        "nothing": b"",
        "garbage": b"\x30\x82\xff\xff" * 50,
    }.get(what, public.authority.root_certificate)
    purposes = () if what == "no purpose" else SIGNING
    reason = " " if what == "no reason" else "x"
    with pytest.raises(Invalid) as caught:
        instance.act(instance.admin, anchors.propose, certificate, purposes, reason, allow_test=True)
    field = {"no purpose": "purposes", "no reason": "reason"}.get(what, "certificate")
    assert set(caught.value.fields) == {field}


def test_roots_come_as_pem_and_pkcs7_too(instance: Instance, public: Public) -> None:
    root = x509.load_der_x509_certificate(public.authority.root_certificate)
    between = x509.load_der_x509_certificate(public.authority.issuing_certificate)
    for given in (
        root.public_bytes(Encoding.PEM),
        serialize_certificates([root], Encoding.DER),
        serialize_certificates([between, root], Encoding.PEM),
    ):
        change = instance.act(instance.admin, anchors.propose, given, SIGNING, "x", allow_test=True)
        assert change.certificate == public.authority.root_certificate
        instance.act(instance.admin, anchors.withdraw, change.id)


def test_a_root_that_was_written_into_the_database_by_other_hands_is_not_used(
    instance: Instance, public: Public
) -> None:
    change = proposed(instance, public)
    with instance.db.write() as tx:
        tx.session.add(
            TrustedRoot(
                sha256=change.sha256,
                certificate=change.certificate,
                purposes=change.purposes,
                label="nobody agreed",
                test=True,
                change_id=change.id,
                added_at=clock.now(),
            )
        )
    assert instance.trust.anchors == ()
    assert instance.trust.broken == ("nobody agreed",)


def test_intermediates_give_no_trust_and_complete_a_chain(instance: Instance, public: Public) -> None:
    instance.act(instance.admin, anchors.add_intermediate, public.authority.issuing_certificate)
    assert instance.trust.empty
    instance.trusts(public.authority.root_certificate)
    signed = sign_person(minimal_pdf("x"), public.person)
    person_only = policy_for(DocumentKind.PERSON_ONLY)
    assert not verify(signed, instance.trust, person_only).has(Code.UNKNOWN_AUTHORITY)
    with pytest.raises(Conflict):
        instance.act(instance.admin, anchors.add_intermediate, public.authority.issuing_certificate)
    fingerprint = instance.trust.intermediates[0].sha256.hex()
    instance.act(instance.second, anchors.remove_intermediate, fingerprint)
    assert instance.trust.intermediates == ()
    with pytest.raises(NotFound):
        instance.act(instance.second, anchors.remove_intermediate, fingerprint)


@pytest.mark.parametrize("which", ["root", "person"])
def test_only_issuing_authorities_are_intermediates(instance: Instance, public: Public, which: str) -> None:
    der = public.authority.root_certificate if which == "root" else public.person.describe().certificate
    with pytest.raises(Invalid):
        instance.act(instance.admin, anchors.add_intermediate, der)


def test_a_stranger_sees_no_proposal(instance: Instance, public: Public) -> None:
    with pytest.raises(NotFound), instance.db.read() as tx:
        anchors.change_for(tx, instance.admin, 999)
    nobody = Actor(person_id=instance.cast.ha.person_id, agency_id=instance.cast.city.id)
    with pytest.raises(Forbidden), instance.db.read() as tx:
        anchors.change_for(tx, nobody, 1)
