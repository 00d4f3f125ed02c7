"""The first thread: a letter is written, signed, sealed, sent, registered, refused; a foreign envelope arrives."""

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from html import unescape

import requests

from docex import edxml
from docex.edxml.model import Attachment, Business, DocumentType, Envelope, Organ, Signer, Trace
from docex.official.paper import Paper
from docex.official.rendering import render_pdf
from kernel import clock
from web.tour.browser import WAIT_S, Browser, Unexpected
from web.tour.instance import Instance
from web.tour.reading import hidden, link, number_in, option
from web.tour.report import Report, Step

SUBJECT = "Báo cáo tiến độ giải ngân vốn đầu tư công quý IV năm 2026"
BODY = (
    "Thực hiện kế hoạch công tác năm 2026, Văn phòng đề nghị quý cơ quan báo cáo tiến độ giải ngân vốn đầu tư công.\n"
    "Báo cáo gửi về Văn phòng trước ngày 05 tháng 12 năm 2026 để tổng hợp, trình Ủy ban nhân dân thành phố."
)
PLAN = "Kế hoạch tập huấn văn thư, lưu trữ điện tử"
FINANCE, SCIENCE, HOME_AFFAIRS = "Sở Tài chính", "Sở Khoa học", "Sở Nội vụ"


def drive(instance: Instance, report: Report, people: dict[str, Browser]) -> None:
    """Everything that happens to a letter between two agencies, then an envelope from a third one's system."""
    ha, binh, lan, quynh = (people[name] for name in ("ha", "binh", "lan", "quynh"))
    with report.step("Hà writes an official letter to two agencies") as step:
        page = _write(ha)
        until(lambda: "/documents/papers/" in ha.get(page), "the letter is laid out")
        step.check("Trình ký" in ha.get(page), "laid out by a worker, ready to be submitted")
        ha.post(f"{page}/submit")
    with report.step("Bình signs") as step:
        binh.post(f"{page}/sign", seen=hidden(binh.get(page), "seen"))
        until(lambda: "Đóng dấu và gửi" in ha.get(page), "signed")
        step.check(True, "PAdES signature by the test authority, number from the gap-free book rendered before it")
    clerks = f"agency:{_agency(lan)}/clerks"
    with report.step("Hà seals and sends; Lan's inbox hears of it") as step:
        inbox = lan.listen(clerks)
        ha.post(f"{page}/seal")
        own = ha.listen(f"document:{number_in(page)}")
        event = inbox.wait("incoming.arrived")
        step.check(event["d"], "pushed to Lan's screen without reloading")
    with report.step("the verdict stands beside the paper in Lan's inbox") as step:
        received = _received(lan, SUBJECT)
        until(lambda: "verdict-good" in lan.get(received), "the verdict is good")
        _check_paper(step, lan, received)
    with report.step("Lan registers (03); Hà's page hears of it") as step:
        lan.post(f"{received}/register")
        own.wait()
        until(lambda: "Đã tiếp nhận, vào sổ" in ha.get(f"{page}?fragment=sheet"), "03 on Hà's page")
        step.check(True, "03 in Hà's table of recipients")
    with report.step("Quỳnh refuses (02): not without a reason") as step:
        refused = _received(quynh, SUBJECT)
        quynh.post(f"{refused}/refuse", reason=" ", expect=422)
        step.check(True, "without a reason: 422, nothing changed")
        quynh.post(f"{refused}/refuse", reason="Không thuộc thẩm quyền của Sở")
        until(lambda: "Không thuộc thẩm quyền của Sở" in ha.get(f"{page}?fragment=sheet"), "02 on Hà's page")
        step.check(True, "02 and the reason on Hà's page")
    inbox.close()
    own.close()
    _foreign_envelope(instance, report, people, clerks)


def _write(ha: Browser) -> str:
    form = ha.get("/documents/out/new")
    ha.post(
        "/documents/out/new",
        kind="letter",
        urgency="1",
        subject=SUBJECT,
        recipients=[option(form, FINANCE), option(form, SCIENCE)],
        body=BODY,
        signer_id=option(form, "Bình"),
        unit_mark="TH",
    )
    if not re.fullmatch(r"/documents/out/\d+", ha.at):
        raise Unexpected(f"saving the letter led to {ha.at}")
    return ha.at


def _received(clerk: Browser, subject: str) -> str:
    """The page of what has come in under this subject; the copies of one letter do not all come at once."""

    def found() -> list[str]:
        rows = re.findall(r'href="(/documents/in/\d+)[^"]*">(.*?)</a>', clerk.get("/documents/in"), re.S)
        return [address for address, words in rows if subject in unescape(words)]

    until(lambda: bool(found()), f"“{subject}” is in the inbox")
    return found()[0]


def _check_paper(step: Step, lan: Browser, received: str) -> None:
    """What Lan got, looked at by somebody else's tool."""
    pdf = lan.get_bytes(link(lan.get(received), r"/documents/papers/\d+"))
    step.check(pdf.startswith(b"%PDF-"), f"the paper opens: {len(pdf) // 1000} kB PDF")
    if shutil.which("pdfsig") is None:
        step.checks.append("pdfsig is not on this machine: no second opinion")
        return
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(pdf)
        file.flush()
        said = subprocess.run(["pdfsig", "-nocert", file.name], capture_output=True, text=True, check=False).stdout
    valid = said.count("Signature is Valid")
    step.check(valid == 2, "pdfsig: two valid signatures, Bình's and the office's seal")


def _foreign_envelope(instance: Instance, report: Report, people: dict[str, Browser], clerks: str) -> None:
    lan = people["lan"]
    with report.step("a system of Sở Nội vụ posts an edXML envelope to the API") as step:
        token = _client_token(instance, people["quantri"])
        data = edxml.write(sample_envelope())
        inbox = lan.listen(clerks)
        first = _hand_in(instance, token, data)
        step.check(first.status_code == 202, "202, kept byte for byte")
        again = _hand_in(instance, token, data)
        step.check(again.json() == first.json(), "the same envelope again gets the first answer")
        inbox.wait("incoming.arrived")
        inbox.close()
        received = _received(lan, PLAN)
        page = lan.get(received)
        step.check(PLAN in page, "in Lan's inbox with its subject")
        paper = lan.get_bytes(link(page, r"/documents/papers/\d+"))
        step.check(paper.startswith(b"%PDF-"), "its paper is readable")
    with report.step("bad envelopes get a reason, not a crash") as step:
        for name, bad in (("cut in half", data[: len(data) // 2]), ("no XML", b"\x00\x01"), ("empty", b"")):
            answer = _hand_in(instance, token, bad)
            step.check(answer.status_code == 422 and answer.json()["message"]["vi"], f"{name}: 422")


def _hand_in(instance: Instance, token: str, data: bytes) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
    return requests.post(f"{instance.url}/api/v1/edxml", data=data, headers=headers, timeout=WAIT_S)


def _client_token(instance: Instance, admin: Browser) -> str:
    form = admin.get("/admin/clients/new")
    page = admin.post(
        "/admin/clients/new",
        agency_id=option(form, HOME_AFFAIRS),
        name="Phần mềm quản lý văn bản",
        scopes=["docex.submit"],
    )
    client_id, secret = re.findall(r"<code[^>]*>([^<]+)</code>", page)[:2]
    answer = requests.post(
        f"{instance.url}/api/v1/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(client_id, secret),
        timeout=WAIT_S,
    )
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def sample_envelope() -> Envelope:
    """A plan of one agency to another, with a paper."""
    now = clock.now()
    return Envelope(
        sender=Organ("H99.03", "Sở Nội vụ Thành phố Mẫu"),
        receivers=(Organ("H99.02", "Sở Tài chính Thành phố Mẫu"),),
        document_id=f"H99.03,{now:%Y/%m/%d},88/KH-SNV",
        number="88",
        notation="KH-SNV",
        place="Thành phố Mẫu",
        promulgated_on=clock.today(),
        type=DocumentType("Kế hoạch", 2, 10),
        subject=PLAN,
        signer=Signer("Dương Hữu Phúc", "GIÁM ĐỐC"),
        traces=(Trace("H99.03", now),),
        business=Business(reason="Văn bản điện tử mới"),
        attachments=(Attachment("1", "ke-hoach.pdf", small_pdf()),),
    )


def small_pdf() -> bytes:
    """A paper of one page, laid out as an office would."""
    return render_pdf(
        Paper(
            kind="letter",
            agency="Sở Nội vụ Thành phố Mẫu",
            notation="SNV",
            place="Thành phố Mẫu",
            subject="Tài liệu dùng cho bản chạy thử",
            body="Nội dung dùng cho bản chạy thử.",
            signer="Dương Hữu Phúc",
            position="Phó Giám đốc",
        )
    ).pdf


def _agency(browser: Browser) -> int:
    page = browser.get("/documents/in")
    found = re.search(r"agency:(\d+)/clerks", page)
    if not found:
        raise Unexpected("the inbox follows no stream")
    return int(found[1])


def until(ready: Callable[[], bool], what: str, timeout_s: float = WAIT_S) -> None:
    """Look again and again until it is so."""
    end = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > end:
            raise Unexpected(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(0.05)
