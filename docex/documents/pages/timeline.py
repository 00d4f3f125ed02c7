"""The timeline on the page of a document: acts from the audit, and what the other agencies said."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from directory import queries as directory
from docex.documents.labels import ACTS, PROGRESS, STATUS_TITLES
from docex.documents.models import Delivery, Document, Incoming, StatusLog
from docex.edxml.progress import Progress, Recall
from kernel import audit
from kernel.db import Tx
from kernel.refs import Ref
from kernel.text import Phrase, phrase

MAX_MOMENTS = 200
MAX_ALIKE = 3
_WORTH_TELLING = sa.or_(StatusLog.code != Progress.AVAILABLE, StatusLog.description != "")
_REPORTED = (Progress.REFUSED, Progress.REGISTERED, Progress.ASSIGNED, Progress.WORKING, Progress.DONE)


@dataclass(frozen=True)
class Moment:
    """One entry of a timeline."""

    at: datetime
    title: Phrase
    by: str | Phrase
    detail: str | Phrase = ""
    tone: str = "plain"


def of_document(tx: Tx, document: Document, dispatch_ids: list[int]) -> tuple[Moment, ...]:
    """The acts on an own document and the answers of its recipients, newest first."""
    moments = _acts(tx, Ref("document", document.id))
    reported = (
        sa.select(StatusLog, Delivery.agency_id)
        .join(Delivery, Delivery.id == StatusLog.delivery_id)
        .where(Delivery.dispatch_id.in_(dispatch_ids), StatusLog.counted, _WORTH_TELLING)
        .order_by(StatusLog.id.desc())
        .limit(MAX_MOMENTS)
    )
    rows = tx.session.execute(reported).all()
    names = directory.agencies(tx, [agency_id for _, agency_id in rows])
    alike: dict[tuple[str, str, datetime], list[tuple[datetime, str]]] = {}
    for log, agency_id in rows:
        key = log.code, log.description, log.at.replace(second=0, microsecond=0)
        alike.setdefault(key, []).append((log.at, names[agency_id].name))
    for (code, description, _), heard in alike.items():
        moments += _told(STATUS_TITLES[code], heard, description, _status_tone(code))
    return _newest_first(moments)


def _told(title: Phrase, answers: list[tuple[datetime, str]], description: str, tone: str) -> list[Moment]:
    """Answers of recipients within the same minute: each by itself, or in one line when they are many."""
    if len(answers) <= MAX_ALIKE:
        return [Moment(at, title, name, description, tone) for at, name in answers]
    return [Moment(max(answers)[0], title, phrase("{n} nơi nhận", n=len(answers)), description, tone)]


def of_incoming(tx: Tx, incoming: Incoming, asked: Phrase | None = None) -> tuple[Moment, ...]:
    """The acts on a received copy, newest first; `asked` is what being asked for it (13) is called."""
    titles = STATUS_TITLES | ({Recall.ASKED.value: asked} if asked else {})
    return _newest_first(_acts(tx, Ref("incoming", incoming.id)) + _heard(tx, incoming.delivery_id, titles))


def _heard(tx: Tx, delivery_id: int, titles: dict[str, Phrase]) -> list[Moment]:
    """Recalls with their answers, and the reports of the agency's own system; people's acts are in the audit."""
    recalls = [r.value for r in Recall if r.value]
    reported = StatusLog.counted & StatusLog.code.in_(_REPORTED) & StatusLog.by.like("client:%")
    query = sa.select(StatusLog).where(
        StatusLog.delivery_id == delivery_id, sa.or_(StatusLog.code.in_(recalls), reported)
    )
    logs = list(tx.session.scalars(query.order_by(StatusLog.id)))
    names = directory.systems(tx, {Ref.parse(log.by).id for log in logs if log.by.startswith("client:")})
    return [
        Moment(log.at, titles[log.code], _teller(log, names), log.description, _status_tone(log.code)) for log in logs
    ]


def _teller(log: StatusLog, systems: dict[int, str]) -> str | Phrase:
    if log.code == Recall.ASKED or not log.by.startswith("client:"):
        return log.by_name
    return phrase("{name} (phần mềm của cơ quan)", name=systems.get(Ref.parse(log.by).id, log.by_name))


def _acts(tx: Tx, ref: Ref) -> list[Moment]:
    entries = [entry for entry in audit.history(tx, ref) if entry.action in ACTS][-MAX_MOMENTS:]
    ids = {Ref.parse(e.by).id for e in entries if e.by.startswith("person:")}
    people = directory.people(tx, ids)
    return [
        Moment(
            entry.at,
            ACTS[entry.action],
            people[Ref.parse(entry.by).id].name if entry.by.startswith("person:") else "",
            _detail(entry),
            "bad" if entry.action.endswith(("failed", "refuse", "return")) else "plain",
        )
        for entry in entries
    ]


def _detail(entry: audit.AuditEntry) -> str | Phrase:
    """The detail beside an act in the timeline: a reason, or the number that was given."""
    if entry.action in ("document.sign", "number.release"):
        return str(entry.detail.get("code") or f"{entry.detail.get('number', 0):02d}/{entry.detail.get('year', '')}")
    if entry.action == "incoming.register":
        return f"{entry.detail['number']:02d}/{entry.detail['year']}"
    reason = entry.detail.get("reason", "")
    return Phrase.from_json(reason) if isinstance(reason, dict) else str(reason)


def _status_tone(code: str) -> str:
    tones = {step.value: label.tone for step, label in PROGRESS.items()}
    return tones.get(code, "waiting")


def _newest_first(moments: list[Moment]) -> tuple[Moment, ...]:
    """Newest first; of two at the same instant the later one stands above."""
    return tuple(sorted(moments, key=lambda m: m.at)[::-1])
