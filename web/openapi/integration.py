"""What an integrator starts from, in both languages: the sample envelope, the table of its elements, a `curl` line for
each operation. `python -m web.openapi.integration` writes them into the docs; a test compares."""

from pathlib import Path

from docex.edxml.elements import elements
from kernel.text import phrase
from web import rooms
from web.openapi.curl_lines import LINES

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "templates" / "web" / "sample_envelope.edxml"
DOCS = ROOT / "docs"
PAGES = {"vi": DOCS / "huong-dan-tich-hop.md", "en": DOCS / "integrators.md"}
_HEADS = (phrase("Phần tử"), phrase("Dài nhất"), phrase("Bắt buộc"), phrase("Ý nghĩa"))
_YES = phrase("có")


def sample() -> str:
    """The sample envelope."""
    return SAMPLE.read_text(encoding="utf-8")


def table(locale: str) -> str:
    """The elements as a table in Markdown."""
    heads = [head.in_locale(locale) for head in _HEADS]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for one in elements():
        required = _YES.in_locale(locale) if one.required else ""
        lines.append(f"| `{one.name}` | {one.longest or ''} | {required} | {one.means.in_locale(locale)} |")
    return "\n".join(lines)


def calls(locale: str) -> str:
    """A line for each operation, with what it does."""
    endpoints = {endpoint.name: endpoint for endpoint in rooms.load_pages()}
    parts = []
    for name, line in LINES.items():
        title = endpoints[name].says.get("title")
        said = title.in_locale(locale) if title else name
        parts.append(f"{said}:\n```sh\n{line}\n```")
    return "\n\n".join(parts)


def written(text: str, locale: str) -> str:
    """The page with its three made parts as they are today."""
    parts = {"sample": f"```xml\n{sample()}```", "elements": table(locale), "calls": calls(locale)}
    for name, part in parts.items():
        before, rest = text.split(f"<!-- {name} -->\n", 1)
        text = f"{before}<!-- {name} -->\n{part}\n<!-- /{name} -->{rest.split(f'<!-- /{name} -->', 1)[1]}"
    return text


if __name__ == "__main__":
    for locale, page in PAGES.items():
        page.write_text(written(page.read_text(encoding="utf-8"), locale), encoding="utf-8")
