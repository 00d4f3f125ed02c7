"""Many received documents, put straight into the tables: what `scripts/bench registers` looks at.

One envelope goes to five agencies: to the one that is asked, and to four of 760 others. Its row of the index holds a
page of text. Subjects and texts are made of terms of administration, some of them common and some rare, and go back
five years.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg

from bench.harness.result import progress
from kernel import clock, search
from kernel.text import nfc

_TERMS = """báo cáo|tiến độ|giải ngân|vốn đầu tư|kế hoạch|triển khai|nhiệm vụ|cải cách hành chính|chuyển đổi số|
thành phố|phường|xã|quận|sở tài chính|sở xây dựng|quy hoạch|đất đai|giải phóng mặt bằng|bồi thường|
hỗ trợ|tái định cư|học sinh|giáo viên|trường học|bệnh viện|y tế dự phòng|an toàn thực phẩm|phòng cháy|
chữa cháy|giao thông|vận tải|đường bộ|cấp nước|thoát nước|ngập úng|môi trường|rác thải|cây xanh|
chiếu sáng|công viên|văn hóa|thể thao|du lịch|lễ hội|nông nghiệp|thủy lợi|đê điều|khuyến nông|thú y|
lao động|việc làm|bảo hiểm xã hội|người có công|trẻ em|bình đẳng giới|khiếu nại|tố cáo|thanh tra|
kiểm tra|kiểm toán|ngân sách|dự toán|quyết toán|mua sắm|đấu thầu|tài sản công|cán bộ|công chức|
viên chức|tuyển dụng|bổ nhiệm|khen thưởng|kỷ luật|đào tạo|bồi dưỡng|hội nghị|họp giao ban|
lịch công tác|mời họp|xin ý kiến|góp ý dự thảo|nghị quyết|quyết định|chỉ thị|thông báo kết luận|
hướng dẫn|đôn đốc|trả lời"""
TERMS = [nfc(term.strip()) for term in _TERMS.split("|")]
"""The first ones are the most frequent."""
PROJECTS = 20_000
"""Beside them a subject names one of so many projects: a rare number."""
SUBJECT_TERMS, TEXT_TERMS = 6, 60
PER_ENVELOPE = 5
DAYS = 5 * 365
SQL = Path(__file__).with_suffix(".sql")
_ENVELOPES = b"""
CREATE UNLOGGED TABLE bench_envelope
(n bigint, at timestamptz, subject text, folded text, body text, folded_body text)"""


def fill(url: str, copies: int, agency_id: int) -> None:
    """Put in so many copies; the index is built once at the end, and the database knows its figures."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in search.drop_statements("postgresql"):
            connection.execute(statement.encode())
        connection.execute(_ENVELOPES)
        columns = b"COPY bench_envelope (n, at, subject, folded, body, folded_body) FROM STDIN"
        with connection.cursor() as cursor, cursor.copy(columns) as copy:
            for row in _envelopes(copies // PER_ENVELOPE):
                copy.write_row(row)
        progress(f"envelopes of {copies} copies written")
        for statement in SQL.read_text().split("\n;\n"):
            connection.execute(statement.encode(), {"own": agency_id})
            progress(statement.splitlines()[0])
        for statement in search.index_statements("postgresql"):
            connection.execute(statement.encode())
        progress("index built")
        connection.execute("VACUUM ANALYZE")


def _envelopes(count: int) -> Iterator[tuple[object, ...]]:
    chance, now = random.Random(1), clock.now()
    weights = [1 / (place + 3) for place in range(len(TERMS))]
    for number in range(count):
        chosen = chance.choices(TERMS, weights, k=SUBJECT_TERMS + TEXT_TERMS)
        subject = " ".join([*chosen[:SUBJECT_TERMS], f"dự án {chance.randrange(PROJECTS)}"])
        text = " ".join(chosen[SUBJECT_TERMS:])
        at = now - timedelta(days=DAYS) * (1 - number / count)
        yield number, at, subject, search.indexed(subject), text, search.indexed(text)
