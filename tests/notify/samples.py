"""One message of each kind with the longest real data, for tests that go through all of them."""

from datetime import UTC, datetime

from kernel.text import phrase
from notify.kinds import (
    AgendaLine,
    DigestLine,
    DocumentArrived,
    DocumentUnconfirmed,
    DocumentUnfetched,
    DocumentWaits,
    Kind,
    MeetingCancelled,
    MeetingChanged,
    MeetingInvitation,
    MeetingReminder,
    TaskDigest,
    TaskGiven,
    TaskNews,
    TaskReminder,
    TaskShared,
)

START = datetime(2026, 11, 27, 7, 30, tzinfo=UTC)
END = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
LONG = (
    "Triển khai kế hoạch rà soát, đơn giản hóa thủ tục hành chính trong lĩnh vực đất đai, xây dựng và đầu tư trên "
    "địa bàn thành phố giai đoạn 2026–2030, báo cáo kết quả trước kỳ họp thường kỳ của Ủy ban nhân dân"
)
HOST = "Văn phòng Ủy ban nhân dân Thành phố Mẫu"
PLACE = "Phòng họp số 2, tầng 3, trụ sở Ủy ban nhân dân thành phố, số 1 đường Mẫu"
GIVER = "Nguyễn Thị Thanh Bình"


def samples(link: str = "⟦link:1⟧") -> list[Kind]:
    """Each kind once."""
    return [
        TaskGiven(
            LONG, "Chi tiết\nhai dòng", GIVER, HOST, ("Sở Xây dựng", "Sở Tài chính"), LONG, END, True, "/tasks/9", link
        ),
        TaskShared(LONG, GIVER, HOST, phrase("Phối hợp"), END, "/tasks/9"),
        TaskReminder(LONG, phrase("Việc này đến hạn hôm nay."), GIVER, HOST, END, "/tasks/9", link),
        TaskDigest(
            tuple(DigestLine(LONG, phrase("Việc này đến hạn hôm nay."), END, f"/tasks/{n}") for n in range(3)),
            1,
            "/tasks",
        ),
        TaskNews(LONG, phrase("Đã báo hoàn thành"), GIVER, "Kèm báo cáo", END, "/tasks/9"),
        MeetingInvitation(
            *(LONG, START, END, PLACE, GIVER, HOST, "12/GM-VP", "Mang theo tài liệu", link),
            addressee=f"Giám đốc, {HOST}",
            agenda=(AgendaLine(START, LONG, HOST, ("Báo cáo", "Phụ lục")), AgendaLine(END, "Việc khác", "", ())),
            path="/meetings/1",
        ),
        MeetingChanged(LONG, START, END, PLACE, GIVER, HOST, (phrase("Đổi giờ"), phrase("Đổi phòng")), link),
        MeetingCancelled(LONG, START, PLACE, HOST, "Lãnh đạo đi công tác đột xuất theo yêu cầu của cấp trên"),
        MeetingReminder(LONG, START, END, PLACE, HOST, link),
        DocumentArrived(LONG, "1234/UBND-KT", HOST, "Hỏa tốc", "/documents/9"),
        DocumentUnfetched(LONG, "1234/UBND-KT", HOST, HOST, phrase("Xin kiểm tra hệ thống."), START, END, None),
        DocumentUnconfirmed(
            LONG, "1234/UBND-KT", HOST, HOST, "vanthu@mau.example", phrase("Xin mở hộp thư."), START, END
        ),
        DocumentWaits(LONG, "1234/UBND-KT", HOST, phrase("Quá hạn."), END, "/documents/9"),
    ]
