"""The letter that a zygote judges before a stranger's file comes."""

from signing.sandbox.runner import Limits, Pool
from signing.trust.trust_store import Trust
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.verdict import Value
from signing.verification.file_verification import verify
from signing.verification.warmup import rehearsal
from tests.signing.conftest import Office
from tests.signing.sandbox import disasters

PERSON = policy_for(DocumentKind.PERSON_ONLY)


def test_it_is_valid_under_its_own_trust_and_nobody_elses(office: Office) -> None:
    own, other = rehearsal(), rehearsal()
    assert verify(own.letter, own.trust, PERSON).value is Value.VALID
    for trust in (other.trust, office.trust, Trust()):
        assert verify(own.letter, trust, PERSON).value is not Value.VALID


def test_a_child_finds_the_libraries_prepared(office: Office) -> None:
    pool = Pool(Limits(processes=1, memory_bytes=700 << 20, seconds=60))
    try:
        assert pool.run(disasters.prepared) == []
        pool.run(verify, b"no file", office.trust, PERSON)
        assert pool.run(disasters.prepared) == ["SignedData", "Certificate", "CertificateList", "pypdfium2"]
    finally:
        pool.close()
