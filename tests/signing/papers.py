"""Small PDF files, written by hand, so that tests know every byte of them."""

A4 = "/MediaBox [0 0 595 842]"


def minimal_pdf(text: str, *, second_page: str = "", page: str = A4) -> bytes:
    """A PDF 1.7 with a page (or two) of Helvetica text; `page` says how large pages are and how they are shown."""
    texts = [text, second_page] if second_page else [text]
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(texts)))
    bodies = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(texts)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for n, line in enumerate(texts):
        stream = f"BT /F1 14 Tf 72 760 Td ({line}) Tj ET"
        bodies.append(
            f"<< /Type /Page /Parent 2 0 R {page} /Contents {5 + 2 * n} 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        bodies.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    return written(bodies)


def written(bodies: list[str]) -> bytes:
    """A PDF 1.7 of these objects, numbered from 1; the first one is the catalogue."""
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = [_add(out, number, body) for number, body in enumerate(bodies, 1)]
    start = len(out)
    out += _table(places)
    out += f"trailer\n<< /Size {len(bodies) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode("ascii")
    return bytes(out)


def hybrid_pdf(text: str) -> bytes:
    """A hybrid-reference file (ISO 32000-1 §7.5.8.4), as Word writes them: a table and, beside it, a stream."""
    stream = f"BT /F1 14 Tf 72 760 Td ({text}) Tj ET"
    out = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
    places = [
        _add(out, 1, "<< /Type /Catalog /Pages 2 0 R >>"),
        _add(out, 2, "<< /Type /Pages /Kids [4 0 R] /Count 1 >>"),
        _add(out, 3, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"),
        _add(
            out,
            4,
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>",
        ),
        _add(out, 5, f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream"),
    ]
    hidden = _add(out, 6, "<< /Note (for newer readers) >>")
    entry = b"\x01" + hidden.to_bytes(4, "big") + b"\x00"
    beside = len(out)
    out += b"7 0 obj\n<< /Type /XRef /Size 8 /W [1 4 1] /Index [6 1] /Length 6 /Root 1 0 R >>\nstream\n"
    out += entry + b"\nendstream\nendobj\n"
    start = len(out)
    out += _table(places)
    trailer = f"trailer\n<< /Size 8 /Root 1 0 R /XRefStm {beside} >>\nstartxref\n{start}\n%%EOF\n"
    return bytes(out) + trailer.encode("ascii")


def _add(out: bytearray, number: int, body: str) -> int:
    place = len(out)
    out += f"{number} 0 obj\n{body}\nendobj\n".encode("ascii")
    return place


def _table(places: list[int]) -> bytes:
    lines = [f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n"]
    return "".join([*lines, *(f"{place:010d} 00000 n \n" for place in places)]).encode("ascii")
