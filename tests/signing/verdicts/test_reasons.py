"""Every reason stands in the documentation as it is said, in both languages."""

from pathlib import Path

from signing.verdicts.policy import ENVELOPE, POLICIES
from signing.verdicts.reasons import _KINDS, Code, reason
from signing.verdicts.verdict import Value

PAGE = Path(__file__).resolve().parents[3] / "docs" / "signatures.md"
WORDS = {Value.VALID: "remark", Value.UNCLEAR: "unclear", Value.INVALID: "invalid"}
# ETSI EN 319 102-1 §5.1.3 table 5, and our own for what it has no word for: TRY_LATER is a main-level sub-indication.
ETSI = frozenset(
    [
        "FORMAT_FAILURE",
        "HASH_FAILURE",
        "SIG_CRYPTO_FAILURE",
        "REVOKED",
        "REVOKED_NO_POE",
        "REVOKED_CA_NO_POE",
        "EXPIRED",
        "NOT_YET_VALID",
        "SIG_CONSTRAINTS_FAILURE",
        "CHAIN_CONSTRAINTS_FAILURE",
        "CERTIFICATE_CHAIN_GENERAL_FAILURE",
        "CRYPTO_CONSTRAINTS_FAILURE",
        "POLICY_PROCESSING_ERROR",
        "SIGNATURE_POLICY_NOT_AVAILABLE",
        "TIMESTAMP_ORDER_FAILURE",
        "NO_SIGNING_CERTIFICATE_FOUND",
        "NO_CERTIFICATE_CHAIN_FOUND",
        "OUT_OF_BOUNDS_NO_POE",
        "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
        "NO_POE",
        "TRY_LATER",
        "SIGNED_DATA_NOT_FOUND",
        "GENERIC",
    ]
)


def line(code: Code) -> str:
    kind = _KINDS[code]
    etsi = f"`{kind.etsi}`" if kind.etsi else ""
    return f"| `{code}` | {WORDS[kind.weight]} | {etsi} | {kind.text.vi} | {kind.text.en} |"


def test_the_table_of_the_documentation_is_that_of_the_code() -> None:
    table = "\n".join(["| code | weight | ETSI | Tiếng Việt | English |", "|---|---|---|---|---|", *map(line, Code)])
    page = PAGE.read_text(encoding="utf-8")
    written = page.partition("<!-- reasons -->\n")[2].partition("\n<!-- /reasons -->")[0]
    assert written == table, f"docs/signatures.md should read:\n{table}"


def test_every_code_has_a_sentence_in_both_languages_and_a_sub_indication_of_the_standard() -> None:
    for code in Code:
        found = reason(code)
        assert found.phrase.msgid != code
        assert _KINDS[code].text.en != _KINDS[code].text.vi
        assert found.etsi in ETSI or (found.weight is Value.VALID and not found.etsi), code


def test_every_policy_stands_in_the_documentation_as_it_is_in_force() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for policy in (*POLICIES.values(), ENVELOPE):
        (row,) = (row for row in page.splitlines() if row.startswith(f"| `{policy.name}` |"))
        _, _, signers, missing, later = (cell.strip() for cell in row.strip("|").split("|"))
        if policy is not ENVELOPE:
            assert signers == (", ".join(kind.value for kind in policy.required) or "nobody")
            assert missing == (policy.missing.value if policy.required else policy.unsigned.value)
        assert later == policy.edited_later.value
