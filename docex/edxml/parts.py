"""Parts of a message that are read as they stand, whatever message they stand in."""

from docex.edxml.model import Organ, Replacement, Signer, Staff
from docex.edxml.tree import Node


def organ_in(node: Node) -> Organ:
    """An agency; of older dialects the code alone."""
    return Organ(
        code="".join(node.text_of("organid").split()) or ("" if node.children else node.text),
        name=node.text_of("organname"),
        in_charge=node.text_of("organizationincharge"),
        address=node.text_of("organadd", "organaddress"),
        email=node.text_of("email"),
        telephone=node.text_of("telephone"),
        fax=node.text_of("fax"),
        website=node.text_of("website"),
    )


def organs_in(to: Node) -> tuple[Organ, ...]:
    """The receiver of a `To`, or those that it wraps; an empty one names nobody.

    A receiver without a code stays in the list, for the reader to refuse: leaving it out would lose it in silence.
    """
    codes = to.all("organid")
    wrapped = [child for child in to.children if child.children or child.name in ("to", "receiver")]
    if len(codes) == len(to.children) > 1:
        wrapped = codes
    elif codes or not wrapped:
        wrapped = [to]
    return tuple(organ_in(node) for node in wrapped if node.children or node.text)


def code_in(node: Node) -> tuple[str, str]:
    """Number and notation, from `Code` with its two children or written flat as `125/GM-SX`."""
    code = node.one("code")
    if code is None:
        return node.text_of("codenumber"), node.text_of("codenotation")
    if code.children:
        return code.text_of("codenumber"), code.text_of("codenotation")
    number, _, notation = code.text.partition("/")
    return number.strip(), notation.strip()


def texts_in(node: Node, holder: str, item: str) -> tuple[str, ...]:
    """The texts of a list, as of `Place`s in `ToPlaces`, and what is written in it without an item around it."""
    return tuple(n.text for p in node.all(holder) for n in (p, *p.all(item)) if n.text)


def signer_in(header: Node) -> Signer:
    """The signer, in an element or flat in the header."""
    node = header.one("signerinfo", "author") or header
    return Signer(node.text_of("fullname"), node.text_of("position"), node.text_of("competence"))


def staff_in(node: Node | None) -> Staff:
    """The person who handled the message."""
    if node is None:
        return Staff()
    return Staff(
        name=node.text_of("staff"),
        department=node.text_of("department"),
        email=node.text_of("email"),
        mobile=node.text_of("mobile"),
        staff_id=node.text_of("staffid"),
        department_id=node.text_of("departmentid"),
    )


def replacement_in(node: Node) -> Replacement:
    """One document that falls, and at which agencies."""
    return Replacement(node.text_of("documentid"), texts_in(node, "organidlist", "organid"))
