"""Actions: what runs, opens, sends or leads elsewhere when somebody opens, reads or closes the paper."""

from collections.abc import Callable
from functools import partial

from tests.signing.forgery.table import Target, add, behind, between
from tests.signing.forgery.updating import Update, as_text

KINDS = {
    "JavaScript": "<< /S /JavaScript /JS (app.alert\\(1\\)) >>",
    "Launch": "<< /S /Launch /F (calc.exe) /NewWindow true >>",
    "URI": "<< /S /URI /URI (https://gia.example/) >>",
    "GoToR": "<< /S /GoToR /F (b.pdf) /D [0 /Fit] >>",
    "GoToE": "<< /S /GoToE /T << /R /C /N (a) >> /D [0 /Fit] >>",
    "SubmitForm": "<< /S /SubmitForm /F << /FS /URL /F (https://gia.example/) >> >>",
    "ImportData": "<< /S /ImportData /F (a.fdf) >>",
    "ResetForm": "<< /S /ResetForm >>",
    "Hide": "<< /S /Hide /T (ConDau) >>",
    "SetOCGState": "<< /S /SetOCGState /State [] >>",
    "Named": "<< /S /Named /N /Print >>",
    "Rendition": "<< /S /Rendition /OP 0 /JS (app.alert\\(1\\)) >>",
    "GoTo3DView": "<< /S /GoTo3DView >>",
    "RichMediaExecute": "<< /S /RichMediaExecute >>",
    "Sound": "<< /S /Sound /Sound 1 0 R >>",
    "a chain": "<< /S /GoTo /D [0 /Fit] /Next << /S /JavaScript /JS (app.alert\\(1\\)) >> >>",
}


def _open(update: Update, action: str) -> None:
    update.set(update.root, "/OpenAction", action)


def _open_indirect(update: Update, action: str) -> None:
    update.set(update.root, "/OpenAction", update.add(action))


def _close(update: Update, action: str) -> None:
    update.set(update.root, "/AA", f"<< /WC {action} /WP {action} >>")


def _page(update: Update, action: str) -> None:
    update.set(update.page(), "/AA", f"<< /O {action} >>")


def _names(update: Update, action: str) -> None:
    script = f"<< /Names [(a) {update.add(action)}] >>"
    if "/Names" in update.root:
        update.set(update.root["/Names"], "/JavaScript", script)
    else:
        update.set(update.root, "/Names", f"<< /JavaScript {script} >>")


def _signed_field(update: Update, action: str) -> None:
    update.set(update.signed_field(), "/A", action)


def _signed_field_later(update: Update, action: str) -> None:
    update.set(update.signed_field(), "/AA", f"<< /U {action} /Fo {action} >>")


def _outline(update: Update, action: str) -> None:
    item = update.add(f"<< /Title (Mo) /A {action} >>")
    update.set(update.root, "/Outlines", update.add(f"<< /Type /Outlines /First {item} /Last {item} /Count 1 >>"))


def _link(update: Update, action: str) -> None:
    page = as_text(update.page().container_ref)
    update.annotate(f"<< /Type /Annot /Subtype /Link /Rect [0 0 595 842] /Border [0 0 0] /P {page} /A {action} >>")


def _viewer(update: Update, action: str) -> None:
    update.set(update.root, "/URI", "<< /Base (https://gia.example/) >>")


def _thread(update: Update, action: str) -> None:
    update.set(update.root, "/Threads", update.add(f"[<< /Type /Thread /A {action} >>]"))


def _extension(update: Update, action: str) -> None:
    """Where only readers look that know the extension: the action hangs on a key that may change."""
    update.set(
        update.root, "/Extensions", f"<< /ADBE << /BaseVersion /1.7 /ExtensionLevel 3 /OpenAction {action} >> >>"
    )


def _mark_info(update: Update, action: str) -> None:
    update.set(update.root, "/MarkInfo", f"<< /Marked true /A {action} >>")


PLACES: dict[str, Callable[[Update, str], None]] = {
    "at opening": _open,
    "at opening, by reference": _open_indirect,
    "at closing": _close,
    "with the page": _page,
    "among the names": _names,
    "on a signed field": _signed_field,
    "on a signed field, later": _signed_field_later,
    "in the outline": _outline,
    "on a link": _link,
    "in a thread": _thread,
    "within Extensions": _extension,
    "within MarkInfo": _mark_info,
}


def act(data: bytes, place: Callable[[Update, str], None], action: str) -> bytes:
    """The file with the action at this place."""
    update = Update(data)
    place(update, action)
    return update.written()


def signed(target: Target, place: Callable[[Update, str], None]) -> bytes:
    """The action was there before anybody signed: people signed what they could not see."""
    return target.prepared(partial(act, place=place, action=KINDS["JavaScript"]))


def register() -> None:
    """Into the table."""
    family = "actions"
    for what, place in PLACES.items():
        behind(family, f"a script {what}", partial(act, place=place, action=KINDS["JavaScript"]))
        between(family, f"a script {what}", partial(act, place=place, action=KINDS["JavaScript"]))
    for what, action in KINDS.items():
        behind(family, f"{what} at opening, whole", partial(act, place=_open, action=action))
        behind(family, f"{what} on a whole link", partial(act, place=_link, action=action))
    behind(family, "a base for links", partial(act, place=_viewer, action=""))
    for what in ("at opening", "among the names", "with the page"):
        add(family, f"a script {what}, before everybody signed", partial(signed, place=PLACES[what]))
