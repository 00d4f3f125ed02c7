"""The table that the tour prints: each step with its milliseconds and what was checked."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import click


@dataclass
class Step:
    """One step: `checks` are sentences of what was found true; `error` is why it failed."""

    name: str
    ms: float = 0.0
    checks: list[str] = field(default_factory=list)
    error: str = ""

    def check(self, truth: object, sentence: str) -> None:
        """Note that `sentence` holds, or fail the step with it."""
        if not truth:
            raise AssertionError(f"not true: {sentence}")
        self.checks.append(sentence)


class Report:
    """All steps so far; each is printed when it ends."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._begun = time.monotonic()

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time a step; a failure inside ends the tour after it was printed."""
        step = Step(name)
        self.steps.append(step)
        begun = time.monotonic()
        try:
            yield step
        except Exception as error:
            step.error = f"{type(error).__name__}: {error}"
            raise
        finally:
            step.ms = (time.monotonic() - begun) * 1000
            self._show(step)

    def close(self) -> bool:
        """Print the end of the table; whether all went well."""
        failed = sum(bool(s.error) for s in self.steps)
        seconds = time.monotonic() - self._begun
        checks = sum(len(s.checks) for s in self.steps)
        click.echo(f"{len(self.steps)} steps, {checks} checks, {failed} failed, {seconds:.1f} s")
        return failed == 0

    def _show(self, step: Step) -> None:
        mark = "✘" if step.error else "✔"
        click.echo(f"{mark} {step.ms:7.0f} ms  {step.name}")
        for sentence in step.checks:
            click.echo(f"              {sentence}")
        if step.error:
            click.echo(f"              {step.error}")
