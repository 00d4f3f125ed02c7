"""Foreign files: other prefixes, orders, spellings, dialects and dirt are read; what would mislead is refused."""

import re
from datetime import UTC, date, datetime

import pytest

from docex.edxml import EdxmlError, Refusal, StatusMessage, read, write
from docex.edxml.codes import NAMESPACE, BusinessKind, StatusCode
from tests.docex.edxml import letters
from tests.docex.edxml.foreign import LETTER, TEXT, changed, envelope, notes

GO_VN = """<?xml version="1.0"?>
<edXMLEnvelope xmlns="http://www.go.vn/eDoc">
  <MessageHeader>
    <From>H99.1</From><To>H99.12</To>
    <Code>7/VP</Code><PromulgationDate>05/03/2026</PromulgationDate><Place>An Bình</Place>
    <TypeName>Công văn</TypeName><Subject>Văn bản theo lối cũ</Subject><FullName>Trần Quốc Bình</FullName>
  </MessageHeader>
  <Attachment><FileName>cv</FileName><FileType>pdf</FileType><Content>JVBERi0xLjQK</Content></Attachment>
</edXMLEnvelope>"""


SAME = {
    "without prefixes": TEXT.replace("edXML:", "").replace(f' xmlns:edXML="{NAMESPACE}"', ""),
    "with another prefix": TEXT.replace("edXML:", "q:").replace("xmlns:edXML", "xmlns:q"),
    "everything prefixed": re.sub(r"<(/?)(AttachmentEncoded|Attachment|ContentId)>", r"<\1edXML:\2>", TEXT).replace(
        "<edXML xmlns=", f'<edXML xmlns:edXML="{NAMESPACE}" xmlns='
    ),
    "root named EdXML": TEXT.replace("<edXML xmlns", "<EdXML xmlns").replace("</edXML>", "</EdXML>"),
    "one line": TEXT.replace("\r\n", " "),
    "unix lines": TEXT.replace("\r\n", "\n"),
    "a mark of byte order": "\ufeff" + TEXT,
    "two marks and blanks": "\ufeff\ufeff \r\n" + TEXT,
    "no declaration": TEXT.partition("?>")[2],
    "XML 1.1": TEXT.replace('version="1.0" enc', 'version="1.1" enc'),
    "utf8 without hyphen": TEXT.replace('encoding="UTF-8"', 'encoding="utf8"'),
    "a wrong charset": TEXT.replace('encoding="UTF-8"', 'encoding="windows-1258"'),
    "business spelt right": TEXT.replace("Bussiness", "Business"),
    "lower case names": re.sub(r"(</?(?:edXML:)?)(\w+)", lambda m: m[1] + m[2].lower(), TEXT),
    "unknown elements": changed("<edXML:DueDate>", "<edXML:Novelty><a/></edXML:Novelty><edXML:DueDate>"),
    "comments and instructions": changed("<edXML:To>", "<!-- x --><?y z?><edXML:To>"),
    "an empty digital signature": changed("</edXML:edXMLHeader>", "<edXML:DigitalSignature /></edXML:edXMLHeader>"),
    "an empty signature": changed("</edXML:edXMLHeader>", "<Signature /></edXML:edXMLHeader>"),
    "cid doubled": TEXT.replace("cid:", "cid:cid:"),
    "no cid": TEXT.replace("cid:", ""),
    "dates without zeros and with a time": TEXT.replace("2026/03/02<", "2026/3/2 00:00:00<"),
    "ISO dates": TEXT.replace("2026/03/15", "2026-03-15"),
    "Vietnamese dates": TEXT.replace("2026/03/15", "15/03/2026"),
    "trailing zeros": TEXT + "\x00\x00",
    "CDATA": changed("Như trích yếu", "<![CDATA[Như trích yếu]]>"),
    "blanks around values": re.sub(r">([^<>\s][^<>]*)</edXML:OrganId>", r"> \n\1 </edXML:OrganId>", TEXT),
    "two subjects, of which the last counts": changed("<edXML:Subject>", "<Subject>cũ</Subject><edXML:Subject>"),
    "an element inside a text": changed("Như trích yếu", "Như <b>rất</b>trích yếu"),
    "blanks around numbers": changed("<edXML:SteeringType>1<", "<edXML:SteeringType> 1\n<"),
    "the envelope as root": re.sub(
        r'<edXML xmlns="[^"]*">(.*)</edXML:edXMLEnvelope>(.*)</edXML>', r"\1\2</edXML:edXMLEnvelope>", TEXT, flags=re.S
    ),
    "no xmlns anywhere": re.sub(r' xmlns(:edXML)?="[^"]*"', "", TEXT).replace("edXML:", ""),
    "a prefix that is declared nowhere": TEXT.replace(f' xmlns:edXML="{NAMESPACE}"', ""),
    "a foreign namesake": changed("<edXML:Subject>", '<x:Subject xmlns:x="urn:x">khác</x:Subject><edXML:Subject>'),
    "receivers in a wrapper": re.sub(
        r"(<edXML:To>.*</edXML:To>)", r"<edXML:To>\1</edXML:To>", TEXT, count=1, flags=re.S
    ),
    "an empty receiver": changed("<edXML:To>", "<edXML:To/><edXML:To>"),
}  # fmt: skip


@pytest.mark.parametrize("text", SAME.values(), ids=SAME.keys())
def test_another_way_of_writing_it_reads_the_same(text: str) -> None:
    assert envelope(text) == LETTER


def test_children_in_reverse_order_read_the_same() -> None:
    from lxml import etree

    tree = etree.fromstring(TEXT.encode())
    for element in tree.iter():
        if element.tag.endswith(("MessageHeader", "TraceHeaderList", "From", "Code", "Attachment", "OtherInfo")):
            element[:] = list(element)[::-1]
    again = envelope(etree.tostring(tree, encoding="utf-8"))
    assert set(again.receivers) == set(LETTER.receivers)
    assert again.code == LETTER.code
    assert again.business == LETTER.business
    assert again.attachments == LETTER.attachments


def test_utf16_is_read_whatever_it_declares() -> None:
    assert envelope(TEXT.replace("UTF-8", "UTF-16").encode("utf-16")) == LETTER
    assert envelope(TEXT.encode("utf-16")) == LETTER


OPTIONAL = (
    "Code", "PromulgationInfo", "DocumentType", "Subject", "SignerInfo", "DueDate", "OtherInfo", "ToPlaces",
    "SteeringType", "TraceHeaderList", "Bussiness", "Content", "edXMLBody", "edXMLManifest",
)  # fmt: skip


@pytest.mark.parametrize(
    "to",
    [
        "<To><Organ><OrganId>H99.12</OrganId></Organ><Organ><OrganId>H99.30.2</OrganId></Organ></To>",
        "<To><Receiver>H99.12</Receiver><Receiver>H99.30.2</Receiver></To>",
        "<To><OrganId>H99.12</OrganId><OrganId>H99.30.2</OrganId></To>",
        "<To>H99.12</To><To><OrganId>H99.30.2</OrganId></To>",
    ],
)
def test_every_receiver_is_found_however_it_is_wrapped(to: str) -> None:
    message = envelope(re.sub(r"<edXML:To>.*</edXML:To>", to, TEXT, flags=re.S))
    assert [organ.code for organ in message.receivers] == ["H99.12", "H99.30.2"]


@pytest.mark.parametrize("name", OPTIONAL)
def test_what_the_official_parser_does_without_we_do_without(name: str) -> None:
    message = envelope(re.sub(rf"\s*<edXML:{name}[ >].*?</edXML:{name}>", "", TEXT, flags=re.S))
    assert (message.sender, message.receivers, message.document_id) == (
        LETTER.sender,
        LETTER.receivers,
        LETTER.document_id,
    )
    assert message.attachments == LETTER.attachments


def test_junk_before_and_after_the_document_is_noted() -> None:
    message = envelope("1212" + TEXT + "xyz")
    assert message == LETTER
    assert notes(message) == ["junk_before", "junk_after"]


def test_another_namespace_is_read_and_noted() -> None:
    message = envelope(TEXT.replace(NAMESPACE, "urn:other"))
    assert message == LETTER
    assert notes(message) == ["namespace"]


def test_the_older_provincial_dialect_is_read() -> None:
    message = envelope(GO_VN)
    assert (message.sender.code, message.receivers[0].code) == ("H99.1", "H99.12")
    assert message.code == "7/VP"
    assert message.document_id == "H99.1,2026/03/05,7/VP"
    assert message.promulgated_on == date(2026, 3, 5)
    assert message.signer.full_name == "Trần Quốc Bình"
    (paper,) = message.attachments
    assert (paper.name, paper.data, paper.media_type) == ("cv.pdf", b"%PDF-1.4\n", "application/pdf")
    assert {"namespace", "document_id", "name"} <= set(notes(message))


DOT_NET = f"""<?xml version="1.0" encoding="utf-8"?>
<edXML xmlns="{NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<edXML:edXMLEnvelope xmlns:edXML="{NAMESPACE}" xmlns:xlink="http://www.w3.org/1999/xlink"><edXML:edXMLHeader>
<edXML:MessageHeader>
 <edXML:From><edXML:OrganId>H99.1</edXML:OrganId><edXML:OrganName>UBND huyện Giả</edXML:OrganName></edXML:From>
 <edXML:To><edXML:OrganId> H99.12 </edXML:OrganId><edXML:OrganName>Sở Giả</edXML:OrganName></edXML:To>
 <edXML:Code><edXML:CodeNumber>9</edXML:CodeNumber><edXML:CodeNotation>BC-UBND</edXML:CodeNotation></edXML:Code>
 <edXML:PromulgationInfo>
  <edXML:PromulgationDate>2026/3/5</edXML:PromulgationDate><edXML:Place>Giả</edXML:Place></edXML:PromulgationInfo>
 <edXML:DocumentType><edXML:TypeName>Báo cáo</edXML:TypeName><edXML:Type>14</edXML:Type></edXML:DocumentType>
 <edXML:Subject>Báo cáo quý</edXML:Subject>
 <edXML:SteeringType>2</edXML:SteeringType><edXML:ResponseFor />
 <edXML:OtherInfo><edXML:Priority>2</edXML:Priority><edXML:TyperNotation>X</edXML:TyperNotation></edXML:OtherInfo>
 <edXML:SignerInfo><edXML:FullName>Lê Văn Giả</edXML:FullName></edXML:SignerInfo>
 <edXML:DocumentId>H99.1-2026-9</edXML:DocumentId>
</edXML:MessageHeader>
<edXML:TraceHeaderList id="t" version="1.0" mustUnderstand="1" actor="http://schemas.xmlsoap.org/soap/actor/next">
 <edXML:TraceHeader><edXML:OrganId>H99.1</edXML:OrganId><edXML:Timestamp>2026/03/05 08:00:00</edXML:Timestamp>
 </edXML:TraceHeader>
 <edXML:TraceHeader><edXML:OrganId>null</edXML:OrganId></edXML:TraceHeader>
 <edXML:Business><edXML:BusinessDocType>0</edXML:BusinessDocType><edXML:BusinessDocReason>Mới</edXML:BusinessDocReason>
 <edXML:Paper>2</edXML:Paper></edXML:Business>
</edXML:TraceHeaderList><edXML:DigitalSignature /></edXML:edXMLHeader>
<edXML:edXMLBody><edXML:edXMLManifest version="1.0">
 <edXML:Reference xlink:href="cid:1" xlink:role="XLinkRole" xlink:type="simple">
 <edXML:ContentId>1</edXML:ContentId><edXML:AttachmentName>bc.pdf</edXML:AttachmentName></edXML:Reference></edXML:edXMLManifest></edXML:edXMLBody>
</edXML:edXMLEnvelope>
<edXML:AttachmentEncoded xmlns:edXML="{NAMESPACE}"><edXML:Attachment><edXML:ContentId>cid:1</edXML:ContentId>
 <edXML:ContentTransferEncoded>JVBERi0xLjQK</edXML:ContentTransferEncoded></edXML:Attachment></edXML:AttachmentEncoded></edXML>"""


def test_the_dot_net_kits_way_of_writing_is_read() -> None:
    message = envelope(DOT_NET)
    assert (message.sender.code, message.receivers[0].code) == ("H99.1", "H99.12")
    assert (message.document_id, message.code) == ("H99.1-2026-9", "9/BC-UBND")
    assert (message.type.name, message.type.group, message.steering) == ("Báo cáo", 14, 2)
    assert (message.responses, message.signature) == ((), None)
    assert (message.business.kind, message.business.reason, message.business.paper) == (BusinessKind.NEW, "Mới", True)
    assert [(t.organ_code, bool(t.at)) for t in message.traces] == [("H99.1", True), ("null", False)]
    (paper,) = message.attachments
    assert (paper.name, paper.data) == ("bc.pdf", b"%PDF-1.4\n")  # the name stands in the manifest only
    assert notes(message) == ["spelling", "name", "paper_type"]


def test_a_description_in_the_manifest_only_is_read() -> None:
    (paper,) = envelope(re.sub(r"\s*<Description>.*?</Description>", "", TEXT)).attachments
    assert paper.description == "Công văn"


@pytest.mark.parametrize(("holder", "field"), [("ToPlaces", "places"), ("ResponseForTask", "task_codes")])
def test_a_list_that_is_written_as_one_text_is_kept(holder: str, field: str) -> None:
    text = re.sub(rf"(<edXML:{holder}>).*(</edXML:{holder}>)", r"\1Một; hai\2", TEXT, flags=re.S)
    assert getattr(envelope(text), field) == ("Một; hai",)


def test_appendixes_and_an_answered_document_that_are_written_as_one_text_are_kept() -> None:
    text = re.sub(r"(<edXML:Appendixes>).*(</edXML:Appendixes>)", r"\1Phụ lục\2", TEXT, flags=re.S)
    assert envelope(text).other.appendixes == ("Phụ lục",)
    answered = envelope(
        changed("<edXML:SteeringType>", "<edXML:ResponseFor>267/VP</edXML:ResponseFor><edXML:SteeringType>")
    )
    assert [response.code for response in answered.responses] == ["3/SNV-VP", "267/VP"]


def test_amounts_may_say_what_they_count() -> None:
    message = envelope(changed("Amount>30<", "Amount>12 bản<").replace("PageAmount>2<", "PageAmount>02 trang<"))
    assert (message.other.copies, message.other.pages) == (12, 2)
    assert notes(message) == []
    for text in ("12-15", "12" + " bản" * 20_000 + "!"):
        unclear = envelope(changed("Amount>30<", f"Amount>{text}<"))
        assert unclear.other.copies is None
        assert notes(unclear) == ["amount"]


def test_of_doubled_subjects_and_contents_the_dropped_ones_are_noted() -> None:
    assert notes(envelope(changed("<edXML:Subject>", "<edXML:Subject>cũ</edXML:Subject><edXML:Subject>"))) == [
        "subjects"
    ]
    content = re.search(r"<edXML:ContentTransferEncoded.*?</edXML:ContentTransferEncoded>", TEXT, re.S)
    assert content
    message = envelope(changed(content[0], re.sub(">[^<]+<", ">QUJD<", content[0]) + content[0]))
    assert message == LETTER
    assert notes(message) == ["contents"]


def test_a_file_in_a_windows_charset_is_read() -> None:
    text = changed("Như trích yếu", "Như Văn bản số 1").replace('"UTF-8"', '"windows-1258"')
    ascii_only = re.sub(r"[^\x00-\x7f]", "?", text).replace("Nh? V?n b?n s? 1", "Nhæ VÃn")
    message = envelope(ascii_only.encode("latin-1"))
    assert message.content == "Nhæ VĂn"
    assert notes(message) == ["charset"]


def test_a_receiver_that_is_neither_added_nor_removed_is_left_out_and_noted() -> None:
    message = envelope(write(letters.update()).decode().replace("ReceiverType>1<", "ReceiverType>7<"))
    assert [c.organ_code for c in message.business.updates[0].receivers] == [letters.DEPARTMENT.code]
    assert notes(message) == ["receiver_change"]


REFUSED = {
    "no sender": (TEXT.replace(f"<edXML:OrganId>{letters.OFFICE.code}<", "<edXML:OrganId><"), Refusal.FIELD_MISSING),
    "no receivers": (re.sub(r"<edXML:To>.*</edXML:To>", "", TEXT, flags=re.S), Refusal.FIELD_MISSING),
    "a second receiver whose code stands elsewhere": (
        changed("<edXML:OrganId>H99.30.2</edXML:OrganId>", "<edXML:OrganCode>H99.30.2</edXML:OrganCode>"),
        Refusal.FIELD_MISSING,
    ),
    "one receiver, with texts but no code": (
        re.sub(
            r"<edXML:To>.*</edXML:To>", "<To><OrganName>Sở Y</OrganName><Email>a@b.vn</Email></To>", TEXT, flags=re.S
        ),
        Refusal.FIELD_MISSING,
    ),
    "month 13": (changed("2026/03/15", "2026/13/15"), Refusal.FIELD_WRONG),
    "30 February": (changed("2026/03/15", "30/02/2026"), Refusal.FIELD_WRONG),
    "no month, with a half of the day in English": (
        changed("2026/03/15", "15/13/2026 9:00 AM"),
        Refusal.FIELD_WRONG,
    ),
    "a date in words": (changed("2026/03/15", "mai"), Refusal.FIELD_WRONG),
    "unknown business": (changed("DocType>0<", "DocType>9<"), Refusal.FIELD_WRONG),
    "business in words": (changed("DocType>0<", "DocType>new<"), Refusal.FIELD_WRONG),
    "paper without content": (re.sub(r"<edXML:ContentTransfer.*Encoded>", "", TEXT), Refusal.ATTACHMENT_MISSING),
    "another XML": ("<html><body>502 Bad Gateway</body></html>", Refusal.NOT_EDXML),
    "JSON": ('{"status": "FAIL"}', Refusal.NOT_XML),
    "nothing": ("", Refusal.EMPTY),
    "an empty status": (
        write(letters.status(StatusCode.DONE)).decode().replace(">06<", "><"),
        Refusal.FIELD_MISSING,
    ),
    "blanks": (" \r\n", Refusal.EMPTY),
}


@pytest.mark.parametrize(("text", "refusal"), REFUSED.values(), ids=REFUSED.keys())
def test_what_would_mislead_is_refused_with_a_code_and_a_sentence(text: str, refusal: Refusal) -> None:
    with pytest.raises(EdxmlError) as caught:
        read(text.encode())
    assert caught.value.refusal is refusal
    assert caught.value.status == 422
    assert caught.value.message.vi != caught.value.message.msgid or not caught.value.message.params


STATUS = write(letters.status(StatusCode.REGISTERED)).decode()


def test_a_status_without_its_leading_zero_is_read() -> None:
    message = read(STATUS.replace(">03<", ">3<").encode())
    assert isinstance(message, StatusMessage)
    assert message.status is StatusCode.REGISTERED
    assert message.at == datetime(2026, 3, 2, 2, 15, tzinfo=UTC)


@pytest.mark.parametrize("code", ["14", "99", "xx"])
def test_a_status_that_does_not_exist_is_refused(code: str) -> None:
    with pytest.raises(EdxmlError) as caught:
        read(STATUS.replace(">03<", f">{code}<").encode())
    assert caught.value.refusal is Refusal.STATUS_UNKNOWN


def test_a_status_about_nothing_is_refused() -> None:
    with pytest.raises(EdxmlError) as caught:
        read(re.sub(r"<edXML:ResponseFor>.*</edXML:ResponseFor>", "", STATUS, flags=re.S).encode())
    assert caught.value.where == "ResponseFor"
