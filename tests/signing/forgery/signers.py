"""An attacker with a key of their own: signing is allowed, changing what others have signed is not."""

from collections.abc import Callable
from functools import partial

from tests.signing.forgery import actions, annotations, appearances, forms, presentation
from tests.signing.forgery.papers import sign_as_others
from tests.signing.forgery.scribe import stamped
from tests.signing.forgery.table import Target, add, anywhere, several
from tests.signing.forgery.updating import Update, as_text

Edit = Callable[[bytes], bytes]


def signed(target: Target, edit: Edit) -> bytes:
    """Changed, and then signed by the attacker (who is honest about being one)."""
    return sign_as_others(edit(target.data), target.scribe.attacker, "Khach", box=(60, 40, 200, 80))


def sealed(target: Target, edit: Edit) -> bytes:
    """Changed, and then stamped by a time-stamp service that everybody can use."""
    return stamped(edit(target.data), target.scribe.stamps)


def field_with(target: Target, keys: str) -> bytes:
    """The attacker signs in a field that has more keys than a field needs."""
    update = Update(target.data)
    page = as_text(update.page().container_ref)
    head = f"/Type /Annot /Subtype /Widget /FT /Sig /T (Khach) /F 132 /P {page}"
    box = "" if "/Rect" in keys else "/Rect [60 40 200 80]"
    field = update.add(f"<< {head} {box} {keys} >>")
    update.append(update.form["/Fields"], field)
    update.append(update.annotations(), field)
    update.change(update.page())
    return sign_as_others(update.written(), target.scribe.attacker, "Khach")


def widened(target: Target) -> bytes:
    """The attacker signs in a field whose box has an indirect number, and says later how large that is."""
    update = Update(target.data)
    page, side = as_text(update.page().container_ref), update.add("80")
    keys = f"/Type /Annot /Subtype /Widget /FT /Sig /T (Khach) /F 132 /P {page} /Rect [0 0 0 0]"
    field = update.add(f"<< {keys} >>")
    update.append(update.form["/Fields"], field)
    update.append(update.annotations(), field)
    update.change(update.page())
    own = sign_as_others(update.written(), target.scribe.attacker, "Khach")
    later = Update(own)
    later.set(later.field("Khach"), "/Rect", f"[60 40 540 {side}]")
    later.set(later.root, "/MarkInfo", later.add("800"))
    return later.written()


def two_widgets(target: Target) -> bytes:
    """The attacker's field gets a second widget after signing, which covers the text."""
    own = sign_as_others(target.data, target.scribe.attacker, "Khach", box=(60, 40, 200, 80))
    return annotations.kid_of_a_signature(own)


KEYS = {
    "a script": "/A << /S /JavaScript /JS (app.alert\\(1\\)) >>",
    "a script on a page's opening": "/AA << /PO << /S /JavaScript /JS (app.alert\\(1\\)) >> >>",
    "a link": "/A << /S /URI /URI (https://gia.example/) >>",
    "a seed value with a script": "/SV << /Type /SV /JS (a) >>",
    "a parent": "/Parent 1 0 R",
    "a text": "/Contents (95 trieu)",
    "a layer": "/OC << /Type /OCG /Name (a) >>",
    "an unknown key": "/Them (95 trieu)",
    "an associated file": "/AF [<< /Type /Filespec /F (a.exe) >>]",
}


def edits() -> dict[str, Edit]:
    """What the attacker changes before signing."""
    square = partial(annotations.plain_annotation, body=annotations.BODIES["Square"])
    return {
        "an annotation": square,
        "a laundered annotation": partial(
            annotations.launder, body=annotations.BODIES["Square"], share=annotations.SHARED["MarkInfo"]
        ),
        "another content": partial(presentation.edited, edit=presentation.content),
        "more content": partial(presentation.edited, edit=presentation.content_appended),
        "a font": partial(presentation.edited, edit=presentation.font_replaced),
        "a page more": partial(presentation.edited, edit=presentation.pages_added),
        "other pages": partial(presentation.edited, edit=presentation.new_tree),
        "a script": partial(actions.act, place=actions.PLACES["at opening"], action=actions.KINDS["JavaScript"]),
        "a script among the names": partial(
            actions.act, place=actions.PLACES["among the names"], action=actions.KINDS["JavaScript"]
        ),
        "the form's fonts": forms.with_font,
        "NeedAppearances": partial(forms.stateful, key="/NeedAppearances", value="true"),
        "a text field": partial(forms.new_field, keys=forms.NEW["text"]),
        "a signature emptied": forms.emptied,
        "metadata": partial(presentation.edited, edit=presentation.metadata),
        "an outline": partial(presentation.edited, edit=presentation.outline),
        "layers": partial(presentation.edited, edit=presentation.layers),
    }


def register() -> None:
    """Into the table."""
    family = "signers"
    for what, edit in edits().items():
        visible = what in {"an annotation", "another content", "more content", "other pages", "a text field"}
        applies = several if edit is forms.emptied else anywhere
        add(family, f"{what}, and signed", partial(signed, edit=edit), applies, visible=visible)
        add(family, f"{what}, and stamped", partial(sealed, edit=edit), visible=visible)
    for what, keys in KEYS.items():
        add(family, f"a field with {what}", partial(field_with, keys=keys))
    add(family, "a field with a further widget", two_widgets, visible=True)
    add(family, "a field widened later", widened)
    swapped = appearances.swapped
    add(family, "a picture swapped, and stamped", partial(sealed, edit=swapped), appearances.seen, visible=True)
