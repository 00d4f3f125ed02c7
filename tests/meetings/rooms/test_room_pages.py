"""The room's pages without scripts: every act of the live room is a form there."""

import html
import re

from flask import Flask

from kernel.db import Database
from meetings import attending, speaking
from tests.cast import Cast
from tests.meetings import stage as at
from tests.web.people import sign_in


def words_of(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_the_plain_page_orders_and_times_speakers(app: Flask, db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    base, thu = f"/meetings/{stage.id}", sign_in(app, "thu")
    with db.write() as tx:
        for actor in (cast.lan, cast.nam):
            attending.check_in(tx, actor, stage.id)
        lan = speaking.ask_to_speak(tx, cast.lan, stage.id).id
        nam = speaking.ask_to_speak(tx, cast.nam, stage.id).id
    for path, data in [
        ("/speaking", {"limit": "120", "quiet_first": "y"}),
        (f"/turns/{nam}/place", {"place": "0"}),
        (f"/turns/{lan}/floor", {}),
        (f"/turns/{lan}/time", {"seconds": "180"}),
    ]:
        answer = thu.post(base + path, data={**data, "from": "plain"})
        assert (answer.status_code, answer.location) == (303, f"{base}/plain")
    said = words_of(thu.get(f"{base}/plain").text)
    assert f"{cast.lan.name} Đang phát biểu Mỗi lượt phát biểu: 3:00" in said
    assert "Quy định phát biểu: 2 phút, ưu tiên người ít phát biểu" in said
    thu.post(f"{base}/floor", data={"participant": str(stage.people["nam"])})
    record = words_of(sign_in(app, "lan").get(f"{base}/speeches").text)
    assert f"{cast.lan.name} 0:0" in record
    assert "chưa phát biểu" not in record  # for the desk only


def test_calling_on_nobody_and_a_limit_too_long_are_said_at_their_fields(app: Flask, db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    thu = sign_in(app, "thu")
    nobody = thu.post(f"/meetings/{stage.id}/floor", data={"from": "plain"})
    assert nobody.status_code == 422
    assert "Xin chọn người được mời phát biểu." in nobody.text
    long = thu.post(f"/meetings/{stage.id}/speaking", data={"from": "plain", "limit": "4000"})
    assert long.status_code == 422
    assert 'id="limit-error"' in long.text
