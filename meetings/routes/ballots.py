"""Endpoints of secret votes. Keys, ballots and shares are made by the page's scripts; results on paper by a form."""

import json
from io import BytesIO
from typing import Any

from flask import jsonify, request, send_file
from werkzeug.wrappers import Response as AnyResponse

from directory.actor import Actor
from kernel.db import Tx
from kernel.errors import Invalid
from meetings.forms import number
from meetings.routes.base import routes, wants_json
from meetings.routes.voting import back_to_vote, vote_page
from meetings.voting import secret_ballots, secret_queries


def sent_data() -> dict[str, Any]:
    """What the script of the page has computed; empty when it is not even that, which no verb takes."""
    try:
        data = json.loads(request.form.get("data", ""))
    except (ValueError, RecursionError):
        data = None
    return data if isinstance(data, dict) else {}


@routes.get("/meetings/<int:meeting_id>/votes/<int:vote_id>/ballot")
def ballot_facts(tx: Tx, actor: Actor, meeting_id: int, vote_id: int) -> AnyResponse:
    """What the browser needs to make a key or a ballot."""
    return jsonify(secret_queries.ballot_facts(tx, actor, meeting_id, vote_id))


@routes.post("/meetings/<int:meeting_id>/votes/<int:vote_id>/key")
def publish_ballot_key(tx: Tx, actor: Actor, meeting_id: int, vote_id: int) -> AnyResponse:
    """A trustee's public key."""
    return jsonify(secret_ballots.publish_key(tx, actor, meeting_id, vote_id, sent_data()))


@routes.post("/meetings/<int:meeting_id>/votes/<int:vote_id>/sealed")
def cast_sealed(tx: Tx, actor: Actor, meeting_id: int, vote_id: int) -> AnyResponse:
    """An encrypted ballot; answers its receipt."""
    return jsonify(secret_ballots.cast_sealed(tx, actor, meeting_id, vote_id, sent_data()))


@routes.post("/meetings/<int:meeting_id>/votes/<int:vote_id>/share")
def add_ballot_share(tx: Tx, actor: Actor, meeting_id: int, vote_id: int) -> AnyResponse:
    """What a trustee's browser computed to open the sums."""
    return jsonify(secret_ballots.add_share(tx, actor, meeting_id, vote_id, sent_data()))


@routes.get("/meetings/<int:meeting_id>/votes/<int:vote_id>/file")
def ballot_file(tx: Tx, actor: Actor, meeting_id: int, vote_id: int) -> AnyResponse:
    """The file with all encrypted ballots and proofs, for recounting."""
    raw = secret_queries.published_file(tx, actor, meeting_id, vote_id)
    name = f"bo-phieu-kin-{vote_id}.json"
    return send_file(BytesIO(raw), mimetype="application/json", as_attachment=True, download_name=name)


@routes.post("/meetings/<int:meeting_id>/votes/<int:vote_id>/paper")
def count_paper(tx: Tx, actor: Actor, meeting_id: int, vote_id: int) -> Any:
    """The result of ballots on paper."""
    counts = [number(one) for one in request.form.getlist("count")]
    try:
        vote = secret_ballots.count_paper(tx, actor, meeting_id, vote_id, number(request.form.get("ballots")), counts)
    except Invalid as error:
        if wants_json():
            raise
        return vote_page(tx, actor, meeting_id, vote_id, error.fields), error.status
    return back_to_vote(meeting_id, vote_id, {"rev": vote.rev})
