"""The tolerant reader: whatever an agency's system sends, as a record or as one clear refusal.

Order of elements, prefixes, namespaces, spelling of `Bussiness`, doubled `cid:`, junk around the document and
older dialects are overlooked, the odd ones noted; what would change the meaning (a missing sender, an impossible
date, a broken paper) is refused with an `EdxmlError`.
"""

import io
from dataclasses import replace
from datetime import date, datetime
from typing import IO

from docex.edxml import parts, strictness
from docex.edxml.attachments import Papers
from docex.edxml.codes import BusinessKind, Priority, StatusCode, listed_name
from docex.edxml.errors import EdxmlError, Refusal
from docex.edxml.limits import DEFAULT, Limits
from docex.edxml.model import (
    Attachment,
    Business,
    DocumentType,
    Envelope,
    Message,
    Note,
    Organ,
    OtherInfo,
    ReceiverChange,
    ResponseFor,
    StatusMessage,
    Trace,
    UpdateInfo,
)
from docex.edxml.paper_store import MemoryFile, Shelf
from docex.edxml.secrecy import FIELDS as SECRECY_FIELDS
from docex.edxml.tree import Node, parse
from docex.edxml.values import date_text, read_amount, read_date, read_flag, read_instant, read_int
from docex.edxml.xmldsig.signature import read_signature
from kernel.text import Phrase, phrase


def read(data: bytes, limits: Limits = DEFAULT) -> Message:
    """The envelope or the status message in `data`. Raises EdxmlError for what cannot be read."""
    message = read_file(io.BytesIO(data), limits, MemoryFile)
    if isinstance(message, Envelope):
        return replace(message, attachments=tuple(map(_in_memory, message.attachments)))
    return message


def read_file(file: IO[bytes], limits: Limits, shelf: Shelf) -> Message:
    """The same of a file in which it is possible to go back. Its papers go to the shelf piece by piece, so that
    neither the file nor a paper ever stands whole in memory."""
    root, oddities = parse(file, limits, shelf)
    reader = _Reader(root, limits, shelf)
    for oddity in oddities:
        reader.note(oddity, _ODDITIES[oddity])
    return reader.message()


def _in_memory(paper: Attachment) -> Attachment:
    assert paper.file is not None
    with paper.file.open() as file:
        return replace(paper, data=file.read(), file=None)


_ODDITIES = {
    "junk_before": phrase("Có ký tự lạ trước phần mở đầu tệp; đã bỏ qua."),
    "junk_after": phrase("Có ký tự lạ sau phần kết thúc tệp; đã bỏ qua."),
    "blank_before": phrase("Có khoảng trắng trước phần mở đầu tệp; đã bỏ qua."),
    "marks": phrase("Tệp có nhiều dấu BOM ở đầu; đã bỏ qua."),
    "charset": phrase("Tệp không dùng bảng mã UTF-8."),
    "declared_charset": phrase("Tệp dùng bảng mã UTF-8 nhưng khai bảng mã khác."),
}


class _Reader:
    """One reading: the tree, the limits and the notes taken on the way."""

    def __init__(self, root: Node, limits: Limits, shelf: Shelf) -> None:
        self.root = root
        self.limits = limits
        self.shelf = shelf
        self.notes: list[Note] = []

    def note(self, code: str, text: Phrase) -> None:
        self.notes.append(Note(code, text))

    def message(self) -> Message:
        header = self.root.find("messageheader")
        if header is None:
            raise EdxmlError(Refusal.NOT_EDXML, phrase("Tệp XML này không phải là văn bản hay trạng thái edXML."))
        self.notes += strictness.notes_of(self.root, header)
        if header.one("statuscode"):
            return self._status(header)
        return self._envelope(header)

    # Status messages

    def _status(self, header: Node) -> StatusMessage:
        raw = header.text_of("statuscode")
        if not raw:
            raise _missing("StatusCode")
        try:
            status = StatusCode(raw.zfill(2))
        except ValueError:
            raise EdxmlError(
                Refusal.STATUS_UNKNOWN,
                phrase("Mã trạng thái “{code}” không có trong quy định.", code=raw[:20]),
                "StatusCode",
            ) from None
        about = header.one("responsefor")
        if about is None:
            raise _missing("ResponseFor")
        return StatusMessage(
            sender=self._sender(header),
            about=self._response(about),
            status=status,
            description=header.text_of("description"),
            at=self._instant(header.text_of("timestamp")),
            staff=parts.staff_in(header.one("staffinfo")),
            notes=tuple(self.notes),
        )

    # Envelopes

    def _envelope(self, header: Node) -> Envelope:
        number, notation = parts.code_in(header)
        issued = header.one("promulgationinfo") or header
        sender = self._sender(header)
        promulgated_on = self._date(issued, "PromulgationDate")
        document_id = header.text_of("documentid") or self._composed_id(sender, promulgated_on, number, notation)
        business = self._business()
        signature = self.root.find("signature")
        attachments = Papers(self.root, self.limits, self.shelf, self.note).read()
        if business.kind in (BusinessKind.NEW, BusinessKind.REPLACE):
            told = {"number": bool(number), "day": promulgated_on is not None, "papers": bool(attachments)}
            strictness.missing(self.note, **told)
        return Envelope(
            sender=sender,
            receivers=self._receivers(header),
            document_id=document_id,
            number=number,
            notation=notation,
            place=issued.text_of("place"),
            promulgated_on=promulgated_on,
            type=self._document_type(header),
            subject=self._subject(header, business),
            signer=parts.signer_in(header),
            traces=self._traces(),
            business=business,
            content=header.text_of("content"),
            due_on=self._date(header, "DueDate"),
            other=self._other(header.one("otherinfo") or header),
            responses=tuple(self._response(n) for n in header.all("responsefor") if n.children or n.text),
            steering=self._steering(header),
            task_codes=parts.texts_in(header, "responsefortask", "taskcode"),
            application=header.text_of("applicationtype"),
            places=parts.texts_in(header, "toplaces", "place"),
            signature=read_signature(signature) if signature else None,
            attachments=attachments,
            notes=tuple(self.notes),
        )

    def _sender(self, header: Node) -> Organ:
        node = header.one("from")
        sender = parts.organ_in(node) if node else Organ("")
        if not sender.code:
            raise _missing("From/OrganId")
        return sender

    def _receivers(self, header: Node) -> tuple[Organ, ...]:
        receivers = tuple(organ for node in header.all("to") for organ in parts.organs_in(node))
        if not receivers or not all(organ.code for organ in receivers):
            raise _missing("To/OrganId")
        if len(receivers) != len(header.all("to")):
            self.note("nested_receivers", phrase("Các nơi nhận không nằm mỗi nơi trong một phần tử To."))
        return receivers

    def _composed_id(self, sender: Organ, day: date | None, number: str, notation: str) -> str:
        if not (day and number):
            raise _missing("DocumentId")
        self.note("document_id", phrase("Tệp thiếu mã văn bản; đã ghép từ nơi gửi, ngày và số ký hiệu."))
        return f"{sender.code},{date_text(day)},{number}/{notation}"

    def _subject(self, header: Node, business: Business) -> str:
        subject = header.text_of("subject") or header.text_of("content")
        written = {node.text for node in header.all("subject")}
        if len(written) > 1:
            self.note("subjects", phrase("Tệp có {count} trích yếu khác nhau; lấy trích yếu cuối.", count=len(written)))
        if not subject and business.kind is not BusinessKind.RECALL:
            self.note("subject", phrase("Văn bản không có trích yếu."))
        return subject

    def _document_type(self, header: Node) -> DocumentType:
        node = header.one("documenttype")
        if node is not None and not node.children:
            return DocumentType(node.text)
        node = node or header
        group, detail = read_int(node.text_of("type")), read_int(node.text_of("typedetail"))
        name = node.text_of("typename")
        if not name:
            name = listed_name(group, detail)
            self.note("type_name", phrase("Tệp không nêu tên loại văn bản; tra theo số: “{name}”.", name=name))
        return DocumentType(name, group, detail)

    def _other(self, node: Node) -> OtherInfo:
        raw = node.text_of("priority")
        number = read_int(raw)
        if number is not None and number in set(Priority):
            priority = Priority(number)
        else:
            priority = Priority.NORMAL
            if raw:
                self.note(
                    "priority",
                    phrase("Độ khẩn “{value}” không có trong quy định; coi là thường.", value=raw[:20]),
                )
        return OtherInfo(
            priority=priority,
            sphere=node.text_of("sphereofpromulgation"),
            typist=node.text_of("typernotation", "typernotion", "typenotation"),
            copies=self._amount(node.text_of("promulgationamount")),
            pages=self._amount(node.text_of("pageamount")),
            directive=read_flag(node.text_of("direction")),
            appendixes=parts.texts_in(node, "appendixes", "appendix"),
            reply_fors=node.text_of("replyfors"),
            reference_codes=node.text_of("referencecodes"),
            secrecy=next((n.text for n in self.root.find_all(*SECRECY_FIELDS) if n.text), ""),
        )

    def _amount(self, raw: str) -> int | None:
        number = read_amount(raw)
        if raw and number is None:
            self.note("amount", phrase("Số lượng “{value}” không đọc được; đã bỏ qua.", value=raw[:20]))
        return number

    def _response(self, node: Node) -> ResponseFor:
        code = node.one("code")
        if not node.children:
            return ResponseFor("", node.text)
        number, notation = parts.code_in(node)
        return ResponseFor(
            organ_code="".join(node.text_of("organid").split()),
            code=code.text if code and not code.children else f"{number}/{notation}" if notation else number,
            document_id=node.text_of("documentid"),
            promulgated_on=self._lenient_date(node.text_of("promulgationdate")),
        )

    def _steering(self, header: Node) -> int | None:
        raw = header.text_of("steeringtype")
        number = read_int(raw)
        if raw and number is None:
            self.note("steering", phrase("Loại chỉ đạo “{value}” không phải là số; đã bỏ qua.", value=raw[:20]))
        return number

    # Trace and business

    def _traces(self) -> tuple[Trace, ...]:
        return tuple(
            Trace(node.text_of("organid"), self._instant(node.text_of("timestamp")))
            for node in self.root.find_all("traceheader")
        )

    def _business(self) -> Business:
        node = self.root.find("bussiness", "business")
        if node is None:
            return Business()
        raw = node.text_of("bussinessdoctype", "businessdoctype")
        if not raw:
            raw = "0"
            self.note("business", phrase("Tệp không nêu loại nghiệp vụ; coi là văn bản mới."))
        number = read_int(raw)
        if number is None or number not in set(BusinessKind):
            raise EdxmlError(
                Refusal.FIELD_WRONG,
                phrase("Loại nghiệp vụ “{value}” không có trong quy định.", value=raw[:20]),
                "BussinessDocType",
            )
        return Business(
            kind=BusinessKind(number),
            reason=node.text_of("bussinessdocreason", "businessdocreason"),
            document_id=node.text_of("documentid"),
            paper=(read_int(node.text_of("paper")) or 0) > 0 or read_flag(node.text_of("paper")),
            updates=tuple(map(self._update, node.all("bussinessdocumentinfo", "businessdocumentinfo"))),
            replacements=tuple(map(parts.replacement_in, node.find_all("replacementinfo"))),
            staff=tuple(parts.staff_in(n) for n in node.all("staffinfo") if n.children),
        )

    def _update(self, node: Node) -> UpdateInfo:
        changes = []
        for receiver in (n for p in node.all("receiverlist") for n in p.all("receiver")):
            code = "".join(receiver.text_of("organid").split())
            kind = receiver.text_of("receivertype")
            if not code or kind not in ("0", "1"):
                self.note("receiver_change", phrase("Không rõ cơ quan “{code}” được thêm hay bớt.", code=code[:40]))
                continue
            changes.append(ReceiverChange(code, added=kind == "1"))
        return UpdateInfo(
            document_changed=read_flag(node.text_of("documentinfo")),
            receivers_changed=read_flag(node.text_of("documentreceiver")),
            receivers=tuple(changes),
        )

    # Dates

    def _date(self, node: Node, field: str) -> date | None:
        raw = node.text_of(field.lower())
        try:
            return read_date(raw)
        except ValueError:
            raise EdxmlError(
                Refusal.FIELD_WRONG,
                phrase("Trường {field} không phải là ngày dạng yyyy/MM/dd: “{value}”.", field=field, value=raw[:40]),
                field,
            ) from None

    def _lenient_date(self, raw: str) -> date | None:
        """For dates that only describe another document: its id and code name it well enough."""
        try:
            return read_date(raw)
        except ValueError:
            self.note("date", phrase("Không đọc được ngày “{value}”; đã bỏ qua.", value=raw[:40]))
            return None

    def _instant(self, raw: str) -> datetime | None:
        try:
            return read_instant(raw)
        except ValueError:
            self.note("timestamp", phrase("Không đọc được thời điểm “{value}”.", value=raw[:40]))
            return None


def _missing(field: str) -> EdxmlError:
    return EdxmlError(Refusal.FIELD_MISSING, phrase("Tệp edXML thiếu trường {field}.", field=field), field)
