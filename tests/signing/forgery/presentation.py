"""How pages are shown: layers, boxes, turns, contents, fonts, colours, and what readers tell of the paper."""

from collections.abc import Callable
from functools import partial
from typing import Any

from pyhanko.pdf_utils import generic

from tests.signing.forgery.annotations import WHITE
from tests.signing.forgery.table import behind, between
from tests.signing.forgery.updating import Update, as_text

Edit = Callable[[Update], None]
OTHER = "BT /F1 14 Tf 72 760 Td (Cap 95 trieu dong) Tj ET"


def _page_key(key: str, value: str) -> Edit:
    return lambda update: update.set(update.page(), key, value)


def _root_key(key: str, value: str) -> Edit:
    return lambda update: update.set(update.root, key, value)


def _parent_key(key: str, value: str) -> Edit:
    return lambda update: update.set(update.root["/Pages"], key, value)


def layers(update: Update) -> None:
    """A layer hides something."""
    layer = update.add("<< /Type /OCG /Name (An) >>")
    update.set(update.root, "/OCProperties", f"<< /OCGs [{layer}] /D << /OFF [{layer}] >> >>")


def layered_field(update: Update) -> None:
    """A signed field's picture lies in a hidden layer."""
    layers(update)
    picture = update.signed_field()["/AP"]["/N"]
    update.set(picture, "/OC", "<< /Type /OCG /Name (An) >>")


def content(update: Update) -> None:
    """The page has another content."""
    update.set(update.page(), "/Contents", update.stream(OTHER))


def _contents(update: Update) -> list[str]:
    own = update.page().raw_get("/Contents")
    listed: Any = own.get_object() if hasattr(own, "get_object") else own
    return (
        [as_text(listed.raw_get(n)) for n in range(len(listed))]
        if isinstance(listed, generic.ArrayObject)
        else [as_text(own)]
    )


def content_appended(update: Update) -> None:
    """The page's content goes on."""
    more = update.stream(f"q 1 0 0 1 60 740 cm {WHITE} Q")
    update.set(update.page(), "/Contents", f"[{' '.join(_contents(update))} {more}]")


def content_before(update: Update) -> None:
    """Something stands before the page's content: a clip that leaves nothing."""
    more = update.stream("0 0 1 1 re W n")
    update.set(update.page(), "/Contents", f"[{more} {' '.join(_contents(update))}]")


def content_rewritten(update: Update) -> None:
    """The content's own object is written again."""
    page = update.page()
    found = page["/Contents"]
    stream = found[0] if isinstance(found, list) else found
    stream._data, stream._encoded_data = OTHER.encode(), None
    for key in ("/Filter", "/DecodeParms", "/Length"):
        stream.pop(key, None)
    update.change(stream)


def content_of_length(update: Update) -> None:
    """The number that says how long the content is."""
    update.set(update.page(), "/Contents", f"[{' '.join(_contents(update)[:-1])}]")


def _a_font(update: Update) -> object:
    fonts = update.resources()["/Font"]
    return fonts[next(iter(fonts))]


def _font_key(key: str, value: Callable[[Update], str] | str) -> Edit:
    def edit(update: Update) -> None:
        given = value if isinstance(value, str) else value(update)
        update.set(_a_font(update), key, given)  # type: ignore[arg-type]

    return edit


def font_replaced(update: Update) -> None:
    """The page's font is another one."""
    fonts = update.resources()["/Font"]
    name = next(iter(fonts))
    fonts[name] = update.parse(update.add("<< /Type /Font /Subtype /Type1 /BaseFont /ZapfDingbats >>"))
    update.change(fonts)


def font_drawn(update: Update) -> None:
    """The page's font is drawn anew, letter by letter."""
    letter = update.stream("1000 0 d0 0 0 1000 1000 re f")
    fonts = update.resources()["/Font"]
    font = update.add(
        "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1000 1000] /FontMatrix [.001 0 0 .001 0 0] "
        f"/CharProcs << /a {letter} >> /Encoding << /Differences [48 /a /a /a /a] >> "
        "/FirstChar 48 /LastChar 51 /Widths [1000 1000 1000 1000] >>"
    )
    fonts[next(iter(fonts))] = update.parse(font)
    update.change(fonts)


def to_unicode(update: Update) -> str:
    """What a copied number says."""
    return update.stream("beginbfchar <31> <0039> endbfchar")


def resources(update: Update) -> None:
    """The page has resources of its own."""
    font = "<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Symbol >> >> >>"
    update.set(update.page(), "/Resources", font)


def inherited(update: Update) -> None:
    """The tree above the page has other resources, and the page none."""
    update.set(
        update.root["/Pages"], "/Resources", "<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Symbol >> >> >>"
    )
    if "/Resources" in update.page():
        update.drop(update.page(), "/Resources")


def soft_mask(update: Update) -> None:
    """All is drawn through a mask that leaves nothing."""
    resources = update.resources()
    update.set(resources, "/ExtGState", "<< /G0 << /ca 0 /CA 0 >> >>")
    more = update.stream("/G0 gs")
    update.set(update.page(), "/Contents", f"[{more} {' '.join(_contents(update))}]")


def colours(update: Update) -> None:
    """The colours' meaning is another."""
    resources = update.resources()
    profile = update.stream(b"\0" * 128, "<< /N 1 >>")
    update.set(resources, "/ColorSpace", f"<< /DefaultGray [/ICCBased {profile}] /DefaultRGB [/ICCBased {profile}] >>")


def pages_added(update: Update) -> None:
    """A page more."""
    tree = update.root["/Pages"]
    page = update.add(f"<< /Type /Page /Parent {as_text(tree.container_ref)} /MediaBox [0 0 595 842] >>")
    update.append(tree["/Kids"], page)
    update.set(tree, "/Count", str(int(tree["/Count"]) + 1))


def pages_doubled(update: Update) -> None:
    """The same page twice."""
    tree = update.root["/Pages"]
    update.append(tree["/Kids"], as_text(tree["/Kids"].raw_get(0)))
    update.set(tree, "/Count", str(int(tree["/Count"]) + 1))


def pages_removed(update: Update) -> None:
    """No page is counted."""
    update.set(update.root["/Pages"], "/Count", "0")


def new_tree(update: Update) -> None:
    """The catalogue leads to other pages."""
    old = update.page()
    resources = old.raw_get("/Resources") if "/Resources" in old else update.parse("<< >>")
    held = update.writer.add_object(resources) if not hasattr(resources, "idnum") else resources
    text = update.stream(OTHER)
    page = update.add(f"<< /Type /Page /MediaBox [0 0 595 842] /Contents {text} /Resources {as_text(held)} >>")
    update.set(update.root, "/Pages", update.add(f"<< /Type /Pages /Kids [{page}] /Count 1 >>"))


def outline(update: Update) -> None:
    """The list of chapters says something else."""
    item = update.add("<< /Title (Cap 95 trieu dong) /Dest [0 /Fit] >>")
    update.set(update.root, "/Outlines", update.add(f"<< /Type /Outlines /First {item} /Last {item} /Count 1 >>"))


def metadata(update: Update) -> None:
    """The metadata have another title."""
    text = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Cap 95 trieu</dc:title>'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    update.set(update.root, "/Metadata", update.stream(text, "<< /Type /Metadata /Subtype /XML >>"))


def metadata_rewritten(update: Update) -> None:
    """The metadata's own object is written again."""
    found = update.root["/Metadata"]
    found._data = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/><a>95</a></x:xmpmeta>'
    found._encoded_data = None
    for key in ("/Filter", "/DecodeParms", "/Length"):
        found.pop(key, None)
    update.change(found)


def information(update: Update) -> None:
    """The document's information has another title and author."""
    update.writer.set_info(update.parse("<< /Title (Cap 95 trieu) /Author (Nguoi khac) >>"))


def names(update: Update) -> None:
    """A named place leads elsewhere."""
    dests = "<< /Names [(dau) [0 /XYZ 0 0 0]] >>"
    if "/Names" in update.root:
        update.set(update.root["/Names"], "/Dests", dests)
    else:
        update.set(update.root, "/Names", f"<< /Dests {dests} >>")


def structure(update: Update) -> None:
    """What is read aloud is another text."""
    element = update.add("<< /Type /StructElem /S /P /ActualText (Cap 95 trieu dong) >>")
    update.set(update.root, "/StructTreeRoot", update.add(f"<< /Type /StructTreeRoot /K {element} >>"))


def actual_text(update: Update) -> None:
    """An element of the structure says something else."""
    tree = update.root["/StructTreeRoot"]["/K"]
    element = tree[0].get_object() if isinstance(tree, list) else tree
    update.set(element, "/ActualText", "(Cap 95 trieu dong)")


def tree_above(update: Update) -> None:
    """The page's parent is another."""
    update.set(update.page(), "/Parent", update.add("<< /Type /Pages /Rotate 180 /Kids [] /Count 0 >>"))


EDITS: dict[str, tuple[Edit, bool]] = {
    "layers": (layers, False),
    "the seal in a hidden layer": (layered_field, False),
    "another content": (content, True),
    "more content": (content_appended, True),
    "content before": (content_before, True),
    "content rewritten": (content_rewritten, True),
    "less content": (content_of_length, True),
    "MediaBox": (_page_key("/MediaBox", "[0 0 300 300]"), True),
    "CropBox": (_page_key("/CropBox", "[0 0 300 300]"), True),
    "TrimBox": (_page_key("/TrimBox", "[0 0 300 300]"), False),
    "Rotate": (_page_key("/Rotate", "180"), True),
    "UserUnit": (_page_key("/UserUnit", "3"), False),
    "Group": (_page_key("/Group", "<< /S /Transparency /I true /K true >>"), False),
    "a thumbnail": (_page_key("/Thumb", "9999 0 R"), False),
    "a tab order": (_page_key("/Tabs", "/S"), False),
    "a duration": (_page_key("/Dur", "1"), False),
    "a transition": (_page_key("/Trans", "<< /S /Dissolve >>"), False),
    "a structure's number": (_page_key("/StructParents", "77"), False),
    "a viewport": (_page_key("/VP", "[]"), False),
    "the tree's MediaBox": (_parent_key("/MediaBox", "[0 0 300 300]"), False),
    "the tree's Rotate": (_parent_key("/Rotate", "180"), False),
    "a font replaced": (font_replaced, False),
    "a font drawn": (font_drawn, False),
    "a font's ToUnicode": (_font_key("/ToUnicode", to_unicode), False),
    "a font's Encoding": (_font_key("/Encoding", "<< /Differences [49 /nine] >>"), False),
    "a font's widths": (_font_key("/Widths", f"[{'100 ' * 95}]"), False),
    "a font's base": (_font_key("/BaseFont", "/Symbol"), False),
    "own resources": (resources, False),
    "inherited resources": (inherited, False),
    "nothing opaque": (soft_mask, True),
    "colours": (colours, False),
    "a page more": (pages_added, False),
    "a page twice": (pages_doubled, False),
    "no page": (pages_removed, False),
    "other pages": (new_tree, True),
    "another parent": (tree_above, False),
    "an outline": (outline, False),
    "metadata": (metadata, False),
    "information": (information, False),
    "names": (names, False),
    "a structure": (structure, False),
    "a language": (_root_key("/Lang", "(en)"), False),
    "page labels": (_root_key("/PageLabels", "<< /Nums [0 << /P (95) >>] >>"), False),
    "a page mode": (_root_key("/PageMode", "/FullScreen"), False),
    "a layout": (_root_key("/PageLayout", "/TwoPageRight"), False),
    "viewer preferences": (_root_key("/ViewerPreferences", "<< /Direction /R2L /HideToolbar true >>"), False),
    "an output intent": (_root_key("/OutputIntents", "[<< /S /GTS_PDFA1 >>]"), False),
    "MarkInfo": (_root_key("/MarkInfo", "<< /Suspects true >>"), False),
    "a version": (_root_key("/Version", "/2.0"), False),
    "an unknown extension": (_root_key("/Extensions", "<< /KHAC << /BaseVersion /1.7 /ExtensionLevel 9 >> >>"), False),
    "permissions": (_root_key("/Perms", "<< /UR3 << /Type /Sig >> >>"), False),
    "legal attestation": (_root_key("/Legal", "<< /Attestation (95 trieu) >>"), False),
    "a collection": (_root_key("/Collection", "<< /View /T >>"), False),
    "requirements": (_root_key("/Requirements", "[<< /S /EnableJavaScripts >>]"), False),
    "parts": (_root_key("/DPartRoot", "<< /Type /DPartRoot >>"), False),
    "an unknown key": (_root_key("/Them", "(95 trieu)"), False),
    "a spider's data": (_root_key("/SpiderInfo", "<< /V 1.0 >>"), False),
}


def edited(data: bytes, edit: Edit) -> bytes:
    """The file with this edit in a revision of its own."""
    update = Update(data)
    edit(update)
    return update.written()


def register() -> None:
    """Into the table."""
    family = "presentation"
    for what, (edit, visible) in EDITS.items():
        applies = (lambda paper: paper.name != "hidden-one") if edit is layered_field else None
        more = {} if applies is None else {"applies": applies}
        behind(family, what, partial(edited, edit=edit), visible=visible, **more)
        if edit is not pages_removed:  # no program signs a file without a page
            between(family, what, partial(edited, edit=edit), visible=visible)
    tagged = {"the structure's text": actual_text, "metadata rewritten": metadata_rewritten}
    for what, edit in tagged.items():
        behind(
            family,
            what,
            partial(edited, edit=edit),
            lambda paper: paper.name in {"tagged-two", "hidden-one", "streams-two"},
        )
