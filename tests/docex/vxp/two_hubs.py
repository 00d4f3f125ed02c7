"""Two hubs for tests: ours below, and another one above, which we reach as one of its systems."""

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from werkzeug.serving import make_server

from directory.models import Agency, ApiClient
from docex.documents.delivery import transport
from docex.documents.models import Delivery
from docex.edxml.model import Organ
from docex.exchange import dispatch
from docex.exchange.vxp import jobs, systems
from docex.exchange.vxp.client import VxpClient
from docex.exchange.vxp.models import VxpSystem
from kernel import clock
from kernel.config import Config
from kernel.db import Database
from kernel.outbox import OutboxRow
from kernel.storage.blobs import BlobStore, store_for
from tests.docex.office import Office
from tests.docex.vxp.letters import organ
from tests.web.application import create_app
from web.services import Services

MINISTRY = Organ("G98", "Bộ Mẫu")


PROVINCE = Organ("H96", "UBND tỉnh Trên")


US = "lienthong.below"


@dataclass
class Above:
    """The upper axis: the same software on a database of its own, with a ministry that has a system there."""

    db: Database
    blobs: BlobStore
    config: Config
    url: str

    def system(self, system_id: str, agency: Organ) -> VxpClient:
        """Connect a document system."""
        with self.db.write() as tx:
            row = tx.session.scalars(sa.select(Agency).where(Agency.code == agency.code)).one_or_none()
            if row is None:
                row = Agency(code=agency.code, name=agency.name, is_local=False)
                tx.session.add(row)
                tx.session.flush()
            known = ApiClient(agency_id=row.id, client_id=system_id, name=system_id, scopes=[], created_at=clock.now())
            tx.session.add(known)
            tx.session.flush()
            made = VxpSystem(client_id=known.id, system_id=system_id, created_at=clock.now())
            systems.SECRETS.keep(made, "secret-above", systems.safe_of(self.config))
            tx.session.add(made)
        return VxpClient(self.url, system_id, "secret-above", timeout_s=30)

    def deliver(self) -> None:
        """Do the work of its worker: all deliveries to their lists."""
        with self.db.write() as tx:
            for number in tx.session.scalars(sa.select(Delivery.id)):
                dispatch.deliver(tx, number)


@pytest.fixture
def above(_sqlite_template: Path, tmp_path: Path) -> Iterator[Above]:
    """A running upper axis."""
    folder = tmp_path / "above"
    folder.mkdir()
    shutil.copy(_sqlite_template, folder / "lienthong.db")
    # Another cap, so that it is not the application of the hub below.
    config = Config(data_dir=folder, upload_max_bytes=49_000_000)
    db, blobs = Database(config.sql_url), store_for(config)
    server = make_server("127.0.0.1", 0, create_app(config, Services(config, db, blobs)), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield Above(db, blobs, config, f"http://127.0.0.1:{server.port}/vxp/")
    server.shutdown()
    thread.join(60)
    db.close()


@pytest.fixture
def below(office: Office, above: Above) -> Iterator[Office]:
    """Our hub, connected to the upper axis for the city office."""
    above.system(US, organ(office.cast.city))
    config = replace(
        office.config,
        vxp_upstream_url=above.url,
        vxp_upstream_system_id=US,
        vxp_upstream_secret="secret-above",
    )
    jobs.register_jobs(config, office.blobs)
    office.config = config
    yield office
    transport._transports.pop("vxp_upstream", None)
    jobs.register_jobs(Config(), office.blobs)


def ministry_below(office: Office) -> int:
    with office.db.write() as tx:
        row = Agency(code=MINISTRY.code, name=MINISTRY.name, is_local=False)
        tx.session.add(row)
        tx.session.flush()
        return row.id


def look(office: Office) -> None:
    """One look at the upper axis and all that follows, but not the next look. A look has the name of its second, and in
    this one there may have been one."""
    with office.db.write() as tx:
        tx.session.execute(sa.delete(OutboxRow).where(OutboxRow.topic == "vxp.poll"))
    jobs.begin_jobs(office.config, office.db)
    office.work()


def progress(office: Office) -> list[str]:
    with office.db.read() as tx:
        return list(tx.session.scalars(sa.select(Delivery.progress).order_by(Delivery.id)))


def forwards(below: Office) -> list[str]:
    with below.db.read() as tx:
        return list(tx.session.scalars(sa.select(OutboxRow.state).where(OutboxRow.topic == "vxp.forward")))
