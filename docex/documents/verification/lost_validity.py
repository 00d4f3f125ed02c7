"""Documents that were valid by the rules of before and are not by those of today: who holds one is told, once.

Told are the agencies that received it and the one that sent it, if it is here: their clerks get a message, and an item
on "Hôm nay" for a month, or until one of them says that it was seen. The verdicts themselves, the old and the new,
stand on the page of the paper.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import sqlalchemy as sa

from directory import auditing
from directory import queries as directory
from directory.actor import Actor, Role, require
from docex import topics
from docex.documents.links import INCOMING_PATH, OUTGOING_PATH, SEEN_PATH
from docex.documents.models import Dispatch, Document, Incoming, PaperVerdict
from docex.documents.verification.models import FallenVerdict
from docex.documents.waiting_notices import tell_waiting, tell_waiting_own
from kernel import clock, outbox
from kernel.dashboard import Act, Chip, Item, section
from kernel.db import Tx
from kernel.errors import NotFound
from kernel.outbox import Job
from kernel.refs import Ref
from kernel.text import Phrase, phrase
from signing.verdicts.verdict import Value, Verdict, phrase_from_json, phrase_to_json

TOPIC = topics.VERDICT_FELL
SHOWN = timedelta(days=30)
SEEN = "docex.verdict_seen"
MAX_ITEMS = 20
WHY = phrase("Kết quả kiểm tra chữ ký của văn bản đã thay đổi: trước đây hợp lệ, nay kiểm tra lại thì {now}")

auditing.words["docex.verdict_fell"] = phrase("Báo văn bản không còn hợp lệ khi kiểm tra lại chữ ký")
auditing.words[SEEN] = phrase("Đã xem văn bản không còn hợp lệ khi kiểm tra lại chữ ký")


def valid_by_earlier_rules(tx: Tx, dispatch_id: int) -> Mapping[int, str]:
    """By paper, the version of the policy under which its newest verdict was valid."""
    query = sa.select(PaperVerdict).where(PaperVerdict.dispatch_id == dispatch_id, PaperVerdict.as_of.is_(None))
    newest: dict[tuple[int, str], tuple[int, str]] = {}
    for row in tx.session.scalars(query.order_by(PaperVerdict.id)):
        newest[row.paper_id, str(row.report["policy"])] = (row.id, row.value)
    last: dict[int, tuple[int, str]] = {}
    for (paper_id, policy), (number, value) in newest.items():
        if value == Value.VALID and number > last.get(paper_id, (0, ""))[0]:
            last[paper_id] = (number, policy)
    return {paper_id: policy for paper_id, (_, policy) in last.items()}


def enqueue_telling(
    tx: Tx, dispatch: Dispatch, was_valid: Mapping[int, str], verdicts: Sequence[tuple[int, Verdict]]
) -> None:
    """See to it that the holders are told when one of the papers was valid by another policy and is not by this one."""
    for paper_id, verdict in verdicts:
        policy = was_valid.get(paper_id)
        if policy is None or policy == verdict.policy or verdict.value is Value.VALID:
            continue
        facts = {"said": phrase_to_json(verdict.summary), "policy": verdict.policy}
        for agency_id in _holders(tx, dispatch):
            key = f"{dispatch.id}:{agency_id}"
            tx.outbox(TOPIC, key, {"dispatch_id": dispatch.id, "agency_id": agency_id, **facts})
        return


def _holders(tx: Tx, dispatch: Dispatch) -> list[int]:
    received = sa.select(Incoming.agency_id).where(Incoming.dispatch_id == dispatch.id)
    holders = set(tx.session.scalars(received))
    if dispatch.document_id is not None:
        holders.add(dispatch.sender_id)
    return sorted(holders)


@outbox.handler(TOPIC)
def tell(tx: Tx, job: Job) -> None:
    """Tell one agency, unless it was told before."""
    dispatch_id, agency_id = job.payload["dispatch_id"], job.payload["agency_id"]
    same = sa.and_(FallenVerdict.dispatch_id == dispatch_id, FallenVerdict.agency_id == agency_id)
    if tx.session.scalar(sa.select(FallenVerdict.id).where(same)) is not None:
        return
    sentence = phrase_from_json(job.payload["said"])
    tx.session.add(
        FallenVerdict(
            dispatch_id=dispatch_id,
            agency_id=agency_id,
            policy=job.payload["policy"],
            said=job.payload["said"],
            told_at=clock.now(),
        )
    )
    detail = {"policy": job.payload["policy"], "said": job.payload["said"]}
    tx.audit(f"agency:{agency_id}", TOPIC, Ref("dispatch", dispatch_id), detail)
    _write(tx, tx.session.get_one(Dispatch, dispatch_id), agency_id, phrase(WHY.msgid, now=sentence))


def _write(tx: Tx, dispatch: Dispatch, agency_id: int, why: Phrase) -> None:
    """To the agency's clerks, about the copy that it received, or about its own document."""
    people = {card.id for card in directory.people_with_role(tx, agency_id, Role.CLERK)}
    slot = f"verdict:{dispatch.id}"
    copies = sa.select(Incoming).where(Incoming.dispatch_id == dispatch.id, Incoming.agency_id == agency_id)
    for incoming in tx.session.scalars(copies.order_by(Incoming.id)):
        tell_waiting(tx, incoming, why, people, slot=slot)
    if dispatch.document_id is not None and dispatch.sender_id == agency_id:
        tell_waiting_own(tx, tx.session.get_one(Document, dispatch.document_id), why, people, slot=slot)


@section(44, phrase("Văn bản không còn hợp lệ khi kiểm tra lại"), phrase("Không có văn bản nào đổi kết quả kiểm tra."))
def no_longer_valid(tx: Tx, actor: Actor) -> list[Item] | None:
    """For clerks: what was valid by earlier rules, with the reason, for a month. Not shown while there is none."""
    if not actor.has(Role.CLERK):
        return None
    query = (
        sa.select(FallenVerdict, Incoming, Document)
        .join(Dispatch, Dispatch.id == FallenVerdict.dispatch_id)
        .outerjoin(Incoming, sa.and_(Incoming.dispatch_id == Dispatch.id, Incoming.agency_id == actor.agency_id))
        .outerjoin(Document, sa.and_(Document.id == Dispatch.document_id, Document.agency_id == actor.agency_id))
        .where(
            FallenVerdict.agency_id == actor.agency_id,
            FallenVerdict.told_at > clock.now() - SHOWN,
            FallenVerdict.seen_at.is_(None),
        )
        .order_by(FallenVerdict.id.desc())
        .limit(MAX_ITEMS)
    )
    return [_item(*row) for row in tx.session.execute(query)] or None


def see(tx: Tx, actor: Actor, fallen_id: int) -> None:
    """A clerk has seen what became of a document: it leaves the list of the agency's clerks. Saying it again changes
    nothing. NotFound for an agency that was not told of it."""
    own = sa.select(FallenVerdict).where(FallenVerdict.id == fallen_id, FallenVerdict.agency_id == actor.agency_id)
    row = tx.session.scalar(own.with_for_update())
    if row is None:
        raise NotFound()
    require(actor, Role.CLERK)
    if row.seen_at is None:
        row.seen_at = clock.now()
        tx.audit(f"agency:{actor.agency_id}", SEEN, Ref("dispatch", row.dispatch_id), {"policy": row.policy})


def _item(row: FallenVerdict, incoming: Incoming | None, document: Document | None) -> Item:
    if incoming is not None:
        title, path = f"{incoming.code} {incoming.subject}", INCOMING_PATH.format(id=incoming.id)
    else:
        assert document is not None
        title, path = f"{document.code} {document.subject}", OUTGOING_PATH.format(id=document.id)
    seen = Act(phrase("Đã xem"), SEEN_PATH.format(id=row.id), is_post=True)
    chip = Chip(phrase("Đổi kết quả kiểm tra"), "bad")
    return Item(title, path, meta=(phrase_from_json(row.said),), chip=chip, act=seen)
