"""Writes forged papers into a folder: `python -m tests.signing.forgery DIR [N]`, N of the whole table (50)."""

import json
import sys
import tempfile
from pathlib import Path

from signing.testca.authority import TestPerson, TestSeal, make_test_authority
from signing.trust.trust_store import TrustStore
from tests.signing.conftest import CITY, DEPARTMENT, Office
from tests.signing.forgery.scribe import Scribe
from tests.signing.forgery.table import Forgery, attacks, forgeries

PEOPLE = [
    TestPerson("binh", "Nguyễn Thanh Bình", CITY, "Chánh Văn phòng", "binh@example.vn"),
    TestPerson("thu", "Lê Minh Thu", CITY, "Thư ký"),
]
SEALS = [TestSeal("city", CITY), TestSeal("finance", DEPARTMENT)]


def office_in(folder: Path) -> Office:
    """The tests' office with keys in this folder; its `trust` is what a checker must know."""
    store = TrustStore(folder / "trust", allow_test=True)
    office = Office(make_test_authority(folder / "pki", PEOPLE, SEALS, trust=store), store)
    office.keys.update({person.key: office.authority.issue_person(person) for person in PEOPLE})
    office.keys.update({seal.key: office.authority.issue_seal(seal) for seal in SEALS})
    return office


def spread(count: int) -> list[Forgery]:
    """So many forgeries, evenly out of the table, those that some reader shows first."""
    found = sorted(forgeries(), key=lambda one: not one.attack.visible)
    seen = [one for one in found if one.attack.visible]
    pool = seen if len(seen) >= count else found
    step = len(pool) / count
    return [pool[int(number * step)] for number in range(min(count, len(pool)))]


def write_forgeries(folder: Path, scribe: Scribe, count: int) -> dict[str, str]:
    """Write `count` forged papers into a folder, beside the paper that each was made of; names by file."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {}
    for number, forgery in enumerate(spread(count)):
        path = folder / f"{number:03d}.pdf"
        path.write_bytes(forgery.bytes(scribe))
        honest = folder / f"honest-{forgery.paper.name}.pdf"
        if not honest.exists():
            honest.write_bytes(scribe.stages(forgery.paper)[-1])
        names[path.name] = forgery.name
    (folder / "names.json").write_text(json.dumps(names, indent=1, ensure_ascii=False))
    return names


def main() -> None:
    """Write them, with an authority of their own in `pki` and `trust` beside them."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 50
    with tempfile.TemporaryDirectory() as keys:
        place = folder if "--keep-keys" in sys.argv else Path(keys)
        names = write_forgeries(folder, Scribe(office_in(place)), count)
    sys.stdout.write(f"{len(names)} of {len(list(forgeries()))} forgeries by {len(attacks())} attacks\n")


if __name__ == "__main__":
    main()
