"""What a trial installation has in place of authorities: the marked test authority and the folder that trusts it."""

from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from kernel.config import Config
from kernel.db import Tx
from signing.pdf.timestamps import HttpTimeStamps, LocalTimeStamps, TimeStamps
from signing.testca.authority import TestAuthority
from signing.trust.snapshot import trust_now
from signing.trust.trust_store import Trust, TrustStore


def trust_of(tx: Tx, config: Config) -> Trust:
    """What two people agreed to trust; in a trial also what lies in the folder, the test authority above all, whose
    revocation lists are renewed first."""
    if config.mode == "demo":
        authority_in(config.pki_dir).enter_into(_store(config.trust_folder))
    return trust_seen(tx, config)


def trust_seen(tx: Tx, config: Config) -> Trust:
    """The same as it stands: opens no key of the test authority, for the web process and for self-checks."""
    demo = config.mode == "demo"
    trust = trust_now(tx, soft=timedelta(hours=config.revocation_soft_hours), allow_test=demo)
    return _joined(trust, _store(config.trust_folder).trust()) if demo else trust


_last: list[tuple[Trust, Trust, Trust]] = []


def _joined(agreed: Trust, lying: Trust) -> Trust:
    """The same object as long as both are the same: programs that verify are told again only what is another one."""
    if not _last or _last[0][0] is not agreed or _last[0][1] is not lying:
        _last[:] = [(agreed, lying, agreed.joined(lying))]
    return _last[0][2]


def time_stamps_of(config: Config) -> TimeStamps | None:
    """Where this installation gets time-stamps: the authority of the settings, in a trial else the test authority's.

    None when there is no authority: then nobody invents a time.
    """
    if config.tsa_url:
        return HttpTimeStamps(config.tsa_url)
    return _test_time_stamps(config.pki_dir) if config.mode == "demo" else None


# Opening the authority and a key file costs a key derivation each (about 100 ms), so both are kept.


@lru_cache(maxsize=8)
def authority_in(folder: Path) -> TestAuthority:
    """The test authority in this folder, opened once in a process."""
    return TestAuthority(folder)


@lru_cache(maxsize=8)
def _store(folder: Path) -> TrustStore:
    return TrustStore(folder, allow_test=True)


@lru_cache(maxsize=8)
def _test_time_stamps(folder: Path) -> LocalTimeStamps:
    return LocalTimeStamps(authority_in(folder).time_stamp_key())
