"""Pictures of what one act sets going: for each step the modules that it passes, the jobs that they enqueue and the
events that they publish, as a run of the product has shown them (tests/web/test_ways.py)."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kernel import outbox
from kernel.db import Tx
from scripts.drawing.svg import FAINT, FLOOR, INK, ROOM, Sheet

LEFT, RIGHT, TOP = 40, 960, 66
HEAD, LINE, GAP = 30, 22, 24
NAMES_AT = 410


@dataclass(frozen=True, order=True)
class Effect:
    """What a module left for others in a transaction: a job in the outbox, or an event on a stream."""

    module: str
    kind: str
    name: str


@dataclass
class Way:
    """The steps of one act, in their order, each with its effects."""

    title: str
    steps: list[tuple[str, set[Effect]]] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Everything that is enqueued and published meanwhile belongs to the step `name`."""
        effects: set[Effect] = set()
        enqueue, publish = Tx.outbox, Tx.publish

        def outbox_seen(self: Tx, topic: outbox.Topic, *args: Any, **options: Any) -> None:
            effects.add(Effect(_caller(), "job", str(topic)))
            enqueue(self, topic, *args, **options)

        def publish_seen(self: Tx, stream: Any, kind: str, data: Any) -> None:
            family = str(stream).partition(":")[0]
            effects.add(Effect(_caller(), "event", f"{family}: {kind}"))
            publish(self, stream, kind, data)

        Tx.outbox, Tx.publish = outbox_seen, publish_seen  # type: ignore[method-assign]
        try:
            yield
        finally:
            Tx.outbox, Tx.publish = enqueue, publish  # type: ignore[method-assign]
        self.steps.append((name, effects))


def _caller() -> str:
    """The module that asked for the effect."""
    return str(sys._getframe(2).f_globals["__name__"])


def drawn(way: Way) -> str:
    """The picture as SVG: a band for each step, a line for each module with what it enqueues and publishes."""
    sheet = Sheet(way.title)
    sheet.text(LEFT, 28, way.title, size=17, bold=True)
    sheet.text(
        LEFT,
        50,
        "Jobs (▸) and events (≋) of each step, by module. Drawn by scripts/map from a run.",
        colour=FAINT,
    )
    y = float(TOP)
    for number, (name, effects) in enumerate(way.steps):
        lines = _lines(effects)
        height = HEAD + LINE * sum(len(texts) for _, texts in lines) + 10
        sheet.box(LEFT, y, RIGHT - LEFT, height, ROOM)
        sheet.text(LEFT + 14, y + 21, f"{number + 1}. {name}", size=15, bold=True)
        _band(sheet, y + HEAD, lines)
        if number + 1 < len(way.steps):
            sheet.down((LEFT + RIGHT) / 2, y + height, y + height + GAP)
        y += height + GAP
    return sheet.written(y)


def _lines(effects: set[Effect]) -> list[tuple[str, list[str]]]:
    """For each module the texts beside it."""
    signs = {"job": "▸", "event": "≋"}
    modules, in_order = sorted({effect.module for effect in effects}), sorted(effects, key=_jobs_first)
    return [
        (module, [f"{signs[e.kind]} {e.name}{_handler(e)}" for e in in_order if e.module == module])
        for module in modules
    ]


def _jobs_first(effect: Effect) -> tuple[bool, str]:
    return effect.kind != "job", effect.name


def _handler(effect: Effect) -> str:
    """Where the job is done."""
    found = outbox.handlers.get(effect.name) if effect.kind == "job" else None
    if found is None:
        return ""
    return f"  → {(outbox.inside(effect.name) or type(found)).__module__}"


def _band(sheet: Sheet, y: float, lines: list[tuple[str, list[str]]]) -> None:
    for module, texts in lines:
        height = LINE * len(texts)
        sheet.box(LEFT + 12, y + 2, NAMES_AT - LEFT - 26, height - 4, FLOOR)
        sheet.text(LEFT + 20, y + 16, module, size=13)
        for number, text in enumerate(texts):
            sheet.text(NAMES_AT, y + 16 + LINE * number, text, size=13, colour=INK)
        y += height
