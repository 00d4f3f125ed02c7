"""Strangers' files are read in processes of their own only (`signing.sandbox.runner`)."""

import ast

from tests.rules.source import Module, dotted, modules

LIBRARIES = {"pypdf", "pypdfium2", "pikepdf", "fitz", "pdfminer", "pyhanko"}
READERS = {
    "docex/official/pdf_probe.py": "facts",
    "docex/documents/search/text_probe.py": "read",
    "docex/documents/papers/signature_placement.py": "spot_for",
    "signing/remote_signing/return_check.py": "check_returned",
    "signing/pdf/field_locks.py": "is_closed",
}
"""The files that open a stranger's file, and the function that does it."""


def test_outside_of_signing_only_the_readers_know_a_library_that_opens_pdfs() -> None:
    found = {
        module.path
        for module in modules("kernel", "directory", "notify", "tasks", "docex", "meetings", "web")
        for node in module.nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([one.name for one in node.names] if isinstance(node, ast.Import) else [node.module or ""])
        if name.partition(".")[0] in LIBRARIES
    }
    assert found == {path for path in READERS if not path.startswith("signing/")}


def test_a_reader_is_handed_to_a_process_of_its_own_and_never_called_here() -> None:
    called = []
    handed = set()
    for module in modules():
        names = _names_of_readers(module)
        for node in module.nodes:
            if not isinstance(node, ast.Call):
                continue
            if dotted(node.func) in names:
                called.append(f"{module.path}:{node.lineno}")
            if dotted(node.func).rpartition(".")[2] in ("run_sandboxed", "run", "SandboxTask"):
                handed |= {names[dotted(one)] for one in node.args if dotted(one) in names}
    assert called == []
    assert handed == set(READERS)


def _names_of_readers(module: Module) -> dict[str, str]:
    """By which names a file knows the readers: `textprobe.read`, or `spot_for` after importing just that."""
    known = {(path.removesuffix(".py").replace("/", "."), name): path for path, name in READERS.items()}
    found = {}
    for node in module.nodes:
        if isinstance(node, ast.ImportFrom):
            for one in node.names:
                for (room, name), path in known.items():
                    if (node.module, one.name) == (room, name):
                        found[one.asname or name] = path
                    elif f"{node.module}.{one.name}" == room:
                        found[f"{one.asname or one.name}.{name}"] = path
    return found


SIGNING = {
    "signing.verification.file_verification": {"verify"},
    "signing.pdf.pades": {"sign_person", "sign_seal", "sign_copy", "sign_field", "signed_fields", "prepare_timestamp"},
    "signing.pdf.deferred_signing": {"prepare", "begin"},
    "signing.verification.long_term": {"look_into"},
    "signing.verification.envelope_verification": {"verify_envelope"},
    "signing.evidence.pack_parts": {"parts_of"},
    "signing.evidence.pack_check": {"check_pack"},
}
"""What signing does with the bytes of a file."""


def test_other_rooms_hand_over_what_signing_does_with_files_and_never_call_it() -> None:
    called = []
    for module in modules("kernel", "directory", "notify", "tasks", "docex", "meetings", "web"):
        known = {
            one.asname or one.name
            for node in module.nodes
            if isinstance(node, ast.ImportFrom)
            for one in node.names
            if one.name in SIGNING.get(node.module or "", ())
        }
        calls = (node for node in module.nodes if isinstance(node, ast.Call))
        called += [f"{module.path}:{node.lineno}" for node in calls if dotted(node.func) in known]
    assert called == []


STARTED_WITH_SETTINGS = ("web/supervisor.py", "web/tour/")
"""What is started there is the service itself, or verifies papers of its own."""


def test_programs_that_work_on_words_and_files_of_others_are_started_without_our_secrets() -> None:
    wrong = []
    for module in modules():
        if module.path.startswith(STARTED_WITH_SETTINGS):
            continue
        for node in module.nodes:
            if isinstance(node, ast.Call) and dotted(node.func).startswith("subprocess."):
                given = {one.arg: one.value for one in node.keywords}
                bare = isinstance(given.get("env"), ast.Call) and dotted(given["env"].func) == "bare_environment"  # type: ignore[attr-defined]
                wrong += [] if bare else [f"{module.path}:{node.lineno}"]
    assert wrong == []
