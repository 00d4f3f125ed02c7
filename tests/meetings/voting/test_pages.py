"""Votes without scripts: preparing, voting and counting by forms; what was typed is kept."""

import re

from flask import Flask

from kernel.db import Database
from meetings.voting.states import VoteState
from tests.cast import Cast
from tests.meetings.voting.scene import choose, finish, in_session, row, running
from tests.web.people import sign_in

TYPED = {"question": "Thông qua dự toán", "kind": "named", "quorum": "half", "majority": "half_of_members", "most": "1"}


def test_a_vote_goes_from_question_to_result_by_forms_alone(app: Flask, db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    thu, lan = sign_in(app, "thu"), sign_in(app, "lan")
    answer = thu.post(f"/meetings/{stage.id}/votes", data={**TYPED, "open": "y", "item": str(stage.items[0])})
    assert answer.status_code == 303
    vote_id = int(re.findall(r"\d+", answer.location)[-1])
    plain = lan.get(f"/meetings/{stage.id}/plain").text
    assert f'action="/meetings/{stage.id}/votes/{vote_id}/ballot"' in plain
    sent = lan.post(f"/meetings/{stage.id}/votes/{vote_id}/ballot", data={"choice": "0", "from": "plain"})
    assert sent.location.endswith("/plain")
    assert "Phiếu của bạn đã được ghi nhận" in lan.get(f"/meetings/{stage.id}/votes/{vote_id}").text
    assert thu.post(f"/meetings/{stage.id}/votes/{vote_id}/close").status_code == 303
    assert "Chỉ chủ trì và thư ký đang thấy kết quả này" in thu.get(f"/meetings/{stage.id}/votes/{vote_id}").text
    assert "Số phiếu" not in lan.get(f"/meetings/{stage.id}/votes/{vote_id}").text
    assert sign_in(app, "binh").post(f"/meetings/{stage.id}/votes/{vote_id}/announce").status_code == 303
    assert row(db, vote_id).state == VoteState.ANNOUNCED
    for page in (f"/meetings/{stage.id}", f"/meetings/{stage.id}/votes/{vote_id}", f"/meetings/{stage.id}/votes"):
        assert "Không được thông qua: 1/4 phiếu tán thành." in lan.get(page).text


def test_what_was_typed_and_refused_comes_back(app: Flask, db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    answer = sign_in(app, "thu").post(f"/meetings/{stage.id}/votes", data={**TYPED, "options": "An\nan", "most": "9"})
    assert answer.status_code == 422
    assert "Danh sách cần từ 2 đến" in answer.text
    assert "An\nan" in answer.text.replace("\r", "")
    assert "Thông qua dự toán" in answer.text


def test_a_form_that_is_sent_twice_prepares_one_vote(app: Flask, db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    thu = sign_in(app, "thu")
    typed = {**TYPED, "command_id": "same", "open": "y"}
    places = {thu.post(f"/meetings/{stage.id}/votes", data=typed).location for _ in range(2)}
    assert len(places) == 1


def test_an_empty_ballot_is_refused_at_its_field(app: Flask, db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    vote_id = running(db, cast, stage)
    answer = sign_in(app, "lan").post(f"/meetings/{stage.id}/votes/{vote_id}/ballot", data={})
    assert answer.status_code == 422
    assert "Xin chọn một ý kiến rồi gửi." in answer.text


def test_the_record_names_who_chose_what_and_only_after_it_is_announced(app: Flask, db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    vote_id = running(db, cast, stage, options=("Phương án A", "Phương án B"))
    choose(db, cast, stage, vote_id, lan=0, nam=1)
    nam, url = sign_in(app, "nam"), f"/meetings/{stage.id}/votes/{vote_id}"
    assert "<b>Phương án A</b>" not in nam.get(url).text
    finish(db, cast, stage, vote_id)
    assert "<b>Phương án A</b>" in nam.get(url).text
