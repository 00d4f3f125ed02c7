"""What shows of a seal in production: the operator's picture, or a text, and never the specimen of the trials."""

import io
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont
from pypdf import PdfReader

import signing.doctor  # noqa: F401 - registers the self-checks
from directory.queries import AgencyCard, PersonCard
from docex.documents.issuing.paper_handlers import SealHandler, SealWork
from docex.documents.key_custody import Custody
from docex.documents.papers.files import File
from docex.official.paper import seal_mark
from kernel import clock, outbox
from kernel.config import Config
from kernel.doctor import Health, checks
from kernel.errors import Invalid
from kernel.outbox import SendError
from kernel.storage.blobs import BlobStore, read_all
from signing.pdf import seal_images
from signing.pdf.pades import sign_person
from signing.pdf.stamps import SEAL_MARK_SIZE, Box, text_mark
from signing.testca.authority import TestPerson
from signing.testca.specimens import _font_path
from signing.trust.trust_store import TrustStore
from tests.cast import Cast
from tests.signing.keys.conftest import CITY, MODULE, PIN, Hsm
from tests.signing.papers import minimal_pdf

CODE = "H29.01"
RED = (214, 20, 28, 255)


def a_seal(width: int = 425, height: int = 425, ground: int = 0, kind: str = "PNG") -> bytes:
    image = Image.new("RGBA", (width, height), (255, 255, 255, ground))
    ImageDraw.Draw(image).ellipse((2, 2, width - 3, height - 3), outline=RED, width=12)
    out = io.BytesIO()
    (image if kind == "PNG" else image.convert("RGB")).save(out, kind)
    return out.getvalue()


@pytest.fixture
def production(config: Config, tmp_path: Path, hsm: Hsm) -> Config:
    return replace(
        config,
        mode="production",
        secret_key="x" * 32,
        stamps_dir=str(tmp_path / "stamps"),
        keys=f"seal:{CODE}={hsm.uri('rsa')}",
        pkcs11_module=MODULE,
        pkcs11_pin=PIN,
    )


@pytest.fixture
def put(production: Config) -> Callable[[bytes], None]:
    def keep(data: bytes) -> None:
        production.stamps_folder.mkdir(exist_ok=True)
        (production.stamps_folder / f"seal-{CODE}.png").write_bytes(data)

    return keep


@pytest.fixture
def sealed(production: Config, blobs: BlobStore, hsm: Hsm, cast: Cast, tmp_path: Path) -> Callable[[], bytes]:
    """Seals a letter as the worker does in production, with the seal on the token."""
    trusted = TrustStore(tmp_path / "trusted", allow_test=True)
    hsm.authority.enter_into(trusted)
    agency: AgencyCard = replace(cast.city, code=CODE, name=CITY)
    binh = hsm.authority.issue_person(TestPerson("binh", "Trần Quốc Bình", CITY, "Phó Chánh Văn phòng"))
    flourish = a_seal(480, 200)
    signed = sign_person(minimal_pdf("Thu"), binh, anchor=Box(0, 320, 180, 180, 75), image=flourish)

    def go() -> bytes:
        blob = blobs.put(io.BytesIO(signed))
        main = File("thu.pdf", "application/pdf", blob.sha256, blob.size, 1, {})
        work = SealWork(1, agency, "15/VP", "", main, (), trusted.trust())
        return read_all(blobs, SealHandler(blobs, Custody(production)).perform(work).main.sha256)

    return go


def shown(pdf: bytes) -> str:
    """The text in the appearance of the seal's field."""
    for annotation in PdfReader(io.BytesIO(pdf)).pages[0]["/Annots"]:  # type: ignore[attr-defined]
        field = annotation.get_object()
        if field.get("/T") == "ConDau":
            return _text(field["/AP"]["/N"].get_object())
    raise AssertionError("no seal")


def _text(form: object) -> str:
    """Every string that a form draws, and whether it draws a picture."""
    found = ""
    for part in (form.get("/Resources", {}).get("/XObject", {}) or {}).values():  # type: ignore[attr-defined]
        inner = part.get_object()
        found += "[picture]" if inner["/Subtype"] == "/Image" else "[form]" + _text(inner)
    return found


def test_the_picture_of_the_operator_is_drawn(put: Callable[[bytes], None], sealed: Callable[[], bytes]) -> None:
    put(a_seal())
    assert "[picture]" in shown(sealed())


def test_without_a_picture_a_text_stands_there_and_no_specimen(sealed: Callable[[], bytes], tmp_path: Path) -> None:
    with clock.frozen(clock.now()):  # the day stands in it
        pdf, today = sealed(), clock.today()
    drawn = shown(pdf)
    assert "[form]" in drawn
    assert "[picture]" not in drawn
    (tmp_path / "sealed.pdf").write_bytes(pdf)
    words = subprocess.run(["pdftotext", "sealed.pdf", "-"], cwd=tmp_path, capture_output=True, text=True, check=True)
    told = words.stdout.split()
    assert CITY.split() == [word for word in told if word in CITY.split()]
    assert today.isoformat() in told
    assert any(word.endswith("+07:00") for word in told)


def test_no_line_of_the_text_is_cut_off() -> None:
    lines = seal_mark(CITY, clock.now())
    page = PdfReader(io.BytesIO(text_mark(lines, *SEAL_MARK_SIZE))).pages[0]
    assert page.extract_text().split() == " ".join(lines).split()
    letters = ImageFont.truetype(str(_font_path()), 100)
    assert max(letters.getlength(line) / 100 * 10 for line in lines[1:]) < SEAL_MARK_SIZE[0]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"GIF89a", "không phải là ảnh PNG"),
        (b"x" * (seal_images.MAX_BYTES + 1), "không phải là ảnh PNG"),
        (a_seal(kind="JPEG"), "không phải là ảnh PNG"),
        (a_seal(100, 100), "nhỏ quá"),
        (a_seal(425, 300), "phải vuông"),
        (a_seal(ground=255), "nền trong suốt"),
    ],
)
def test_a_picture_that_cannot_be_used_stops_the_sealing_and_says_why(
    production: Config, put: Callable[[bytes], None], sealed: Callable[[], bytes], data: bytes, said: str
) -> None:
    put(data)
    with pytest.raises(SendError) as refused:
        sealed()
    assert said in outbox.sentence(refused.value.reason).vi
    finding = checks["stamps"](production)
    assert finding.health is Health.BAD
    assert said in finding.what.vi


def test_the_doctor_names_what_is_missing(production: Config, put: Callable[[bytes], None]) -> None:
    missing = checks["stamps"](production)
    assert missing.health is Health.POOR
    assert f"seal-{CODE}.png" in missing.what.vi
    put(a_seal())
    assert checks["stamps"](production).health is Health.GOOD
    assert checks["stamps"](replace(production, keys="")).health is Health.OFF
    assert checks["stamps"](replace(production, keys="seal:?")).health is Health.OFF


def test_a_trial_draws_its_specimens_whatever_lies_there(
    production: Config, put: Callable[[bytes], None], cast: Cast
) -> None:
    put(a_seal())
    agency = replace(cast.city, code=CODE)
    assert Custody(production).seal_picture(agency) == a_seal()
    assert Custody(replace(production, mode="demo")).seal_picture(agency) != a_seal()
    put(b"no picture")
    with pytest.raises(Invalid):
        Custody(production).seal_picture(agency)
    assert checks["stamps"](replace(production, mode="demo")).health is Health.OFF
    person = PersonCard(1, "Trần Quốc Bình", "b@example.vn", "", "", "", 1, "vi")
    assert Custody(production).signature_picture(person) is None
