"""The endpoints of the mailbox: wait, lease, fetch, acknowledge, say what became of it."""

import time
from collections.abc import Callable

from flask import Response, current_app, jsonify, request
from werkzeug.wsgi import wrap_file

from directory.actor import Actor
from docex.api.hub import EDXML, RECEIVE, blobs, routes, secret, their_time
from docex.api.hub_models import (
    Acknowledged,
    Acknowledging,
    Inbox,
    InboxAsked,
    Leased,
    Reported,
    Reporting,
)
from docex.documents.models import Dispatch
from docex.exchange.hub import mailbox, mailbox_listing, receipts
from docex.exchange.hub.mailbox_notifier import notifier_of
from docex.exchange.intake import mailbox_reports
from kernel import cursors
from kernel.db import Tx
from kernel.text import phrase

PIECE = 1 << 16


def _wait_for_mail(tx: Tx, actor: Actor, asked: InboxAsked) -> mailbox_listing.Page:
    """Note that the system asks, then wait without a transaction until there is something, and answer with that."""
    after = _place(actor, asked.after)
    if not asked.wait:
        return _first_look(tx, actor, after, asked.limit)
    end = time.monotonic() + asked.wait
    with notifier_of(current_app.extensions["lienthong"].db).listening(actor.agency_id, since=tx.begun) as ring:
        page = _first_look(tx, actor, after, asked.limit)
        while not page.items:
            tx.let_go()  # nobody holds a connection while they wait
            if not ring.wait(end - time.monotonic()):
                break
            ring.clear()
            page = mailbox_listing.page(tx, actor.agency_id, after, asked.limit, actor.code_form)
    return page


def _first_look(tx: Tx, actor: Actor, after: int, limit: int) -> mailbox_listing.Page:
    """Look, and note that the system asks when that is news."""
    page = mailbox_listing.page(tx, actor.agency_id, after, limit, actor.code_form)
    if mailbox.poll_is_news(page.polled_at):
        tx.let_go()
        with current_app.extensions["lienthong"].db.write(actor.by) as writing:
            mailbox.note_poll(writing, actor.agency_id, request.headers.get("User-Agent", ""), their_time())
        if page.polled_at is None:  # there was no mailbox to look into
            page = mailbox_listing.page(tx, actor.agency_id, after, limit, actor.code_form)
    return page


@routes.api(
    "GET",
    "/api/v1/inbox",
    scope=RECEIVE,
    before=_wait_for_mail,
    query=InboxAsked,
    title=phrase("Xem văn bản đang chờ nhận"),
    answers={200: Inbox},
)
def inbox(tx: Tx, actor: Actor, asked: InboxAsked, brought: Callable[[], mailbox_listing.Page]) -> Response:
    """What waits for the system's agency. With `wait` the answer comes as soon as there is something, or empty."""
    page = brought()
    following = cursors.seal(secret(), _list_of(actor), page.last)
    return jsonify(items=page.items, next=following, more=page.more, held=page.held, head=page.head)


@routes.api(
    "POST",
    "/api/v1/inbox/<int:parcel_id>/lease",
    scope=RECEIVE,
    title=phrase("Giữ một văn bản để nhận trong 5 phút"),
    answers={200: Leased},
    refuses={409: "fetched before, expired, taken back, held, or another system of the agency is at it"},
)
def lease(tx: Tx, actor: Actor, parcel_id: int) -> Response:
    """Begin to fetch an envelope: nobody else of the agency gets it for five minutes."""
    row = mailbox.lease(tx, actor, parcel_id)
    dispatch = mailbox.dispatch_of(tx, row)
    until = row.leased_until.isoformat() if row.leased_until else None
    return jsonify(id=row.id, token=row.lease_token, leased_until=until, sha256=dispatch.sha256, size=dispatch.size)


@routes.api(
    "GET",
    "/api/v1/inbox/<int:parcel_id>/envelope",
    scope=RECEIVE,
    title=phrase("Tải phong bì"),
    headers={"Range": "a part of the file, to go on after a cut", "If-Range": "the ETag that the part belongs to"},
    answers={200: EDXML, 206: EDXML},
    refuses={
        404: "there is none, or it is another agency's",
        409: "its sender took it back, or the mailbox is held",
        416: "no such part",
    },
)
def envelope(tx: Tx, actor: Actor, parcel_id: int) -> Response:
    """The edXML file as its sender handed it in. The ETag is its SHA-256."""
    return _file(mailbox.envelope_for(tx, actor, parcel_id))


@routes.api(
    "POST",
    "/api/v1/inbox/<int:parcel_id>/ack",
    scope=RECEIVE,
    takes=Acknowledging,
    title=phrase("Báo đã nhận phong bì"),
    answers={200: Acknowledged},
    refuses={409: "the token was overtaken, or the term has ended"},
)
def acknowledge(tx: Tx, actor: Actor, parcel_id: int, given: Acknowledging) -> Response:
    """The envelope is stored at the receiver's: status 01. Saying it again gets the same receipt."""
    row = mailbox.acknowledge(tx, actor, parcel_id, given.token)
    return jsonify(id=parcel_id, state="fetched", receipt=receipts.shown(row))


@routes.api(
    "POST",
    "/api/v1/inbox/<int:parcel_id>/status",
    scope=RECEIVE,
    takes=Reporting,
    title=phrase("Báo trạng thái xử lý"),
    answers={200: Reported},
)
def report_status(tx: Tx, actor: Actor, parcel_id: int, given: Reporting) -> Response:
    """What became of a document at its receiver: 02–06, and the answers 15 and 16 to a recall."""
    delivery, counted = mailbox_reports.report(tx, actor, parcel_id, given.code, given.description, given.at)
    state = "counted" if counted else "noted"
    return jsonify(id=parcel_id, state=state, progress=delivery.progress, recall=delivery.recall)


def _file(dispatch: Dispatch) -> Response:
    file = blobs().open(dispatch.sha256)
    answer = Response(wrap_file(request.environ, file, PIECE), mimetype=EDXML, direct_passthrough=True)
    answer.content_length = dispatch.size
    answer.set_etag(dispatch.sha256)
    answer.headers["Cache-Control"] = "private, immutable, max-age=86400"
    answer.make_conditional(request, accept_ranges=True, complete_length=dispatch.size)
    return answer


def _place(actor: Actor, cursor: str) -> int:
    return int(cursors.opened(secret(), _list_of(actor), cursor)[0]) if cursor else 0


def _list_of(actor: Actor) -> str:
    return f"hub.inbox:{actor.agency_id}"
