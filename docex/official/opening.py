"""The set lines of invitations (Form 1.7), minutes (Form 1.9) and conclusion notices, as paragraphs."""

from docex.official.body import END_MARK
from docex.official.layout import Block, Paragraph, Style
from docex.official.paper import Conclusion, Invitation, Minutes, Point


def _text(text: str, end: str = ".") -> Paragraph:
    return Paragraph(Style.TEXT, text.rstrip(" .;") + end)


def _listed(opening: str, names: tuple[str, ...]) -> list[Block]:
    """One name stands on the line of its opening, several in a list under it."""
    names = tuple(name.strip(" -").rstrip(" .;") for name in names)
    if len(names) < 2:
        return [Paragraph(Style.TEXT, " ".join((opening, *(f"{name}." for name in names))))]
    ends = [";"] * (len(names) - 1) + ["."]
    return [Paragraph(Style.TEXT, opening), *(_text(f"- {n}", e) for n, e in zip(names, ends, strict=True))]


def invitation_blocks(invitation: Invitation, agency: str, *, last: bool) -> tuple[Block, ...]:
    """The opening of an invitation: host, guest, occasion, time and place; the place ends the text unless notes
    follow."""
    chair = [_text(f"Chủ trì: {invitation.chair}")] if invitation.chair else []
    return (
        *_listed(f"{invitation.inviter or agency} trân trọng kính mời:", invitation.guests),
        _text(f"Tới dự {invitation.event}"),
        *chair,
        _text(f"Thời gian: {invitation.time}"),
        _text(f"Địa điểm: {invitation.venue}", END_MARK if last else "."),
    )


def minutes_blocks(minutes: Minutes, told: tuple[Block, ...]) -> tuple[Block, ...]:
    """The facts of the meeting, what was told, and when it ended."""
    gathering = minutes.gathering
    return (
        _text(f"Thời gian bắt đầu: {minutes.began}"),
        _text(f"Địa điểm: {minutes.venue}"),
        *(_listed("Thành phần tham dự:", minutes.present) if minutes.present else ()),
        *(_listed("Vắng mặt:", minutes.absent) if minutes.absent else ()),
        _text(f"Chủ trì (chủ tọa): {minutes.chair}"),
        _text(f"Thư ký (người ghi biên bản): {minutes.secretary}"),
        Paragraph(Style.TEXT, f"Nội dung (theo diễn biến {gathering[:1].lower()}{gathering[1:]}):"),
        *told,
        _text(f"{gathering} kết thúc vào {minutes.ended}", END_MARK),
    )


def conclusion_blocks(conclusion: Conclusion, agency: str, told: tuple[Block, ...]) -> tuple[Block, ...]:
    """The customary opening, the free text, the numbered points, the customary closing."""
    chair = conclusion.chair
    opening = [f"{conclusion.held}, tại {conclusion.venue}, {chair} chủ trì {conclusion.meeting}."]
    if conclusion.present:
        opening.append(f"Tham dự có {conclusion.present.rstrip(' .')}.")
    heard = f"Sau khi nghe {conclusion.heard.rstrip(' .,')}, " if conclusion.heard else ""
    opening.append(f"{heard}{chair if heard else chair[:1].upper() + chair[1:]} kết luận như sau:")
    return (
        Paragraph(Style.TEXT, " ".join(opening)),
        *told,
        *(_point(number, point) for number, point in enumerate(conclusion.points, 1)),
        _text(f"{agency} thông báo đến các cơ quan, đơn vị biết, thực hiện", END_MARK),
    )


def _point(number: int, point: Point) -> Paragraph:
    text = f"{number}. {' '.join(point.text.split()).rstrip(' .;')}"
    if point.lead:
        text += f". {point.lead} chủ trì"
        text += f", phối hợp với {', '.join(point.support)} thực hiện" if point.support else " thực hiện"
    if point.due:
        text += f"; thời hạn hoàn thành: {point.due}" if point.lead else f". Thời hạn hoàn thành: {point.due}"
    return _text(text)
