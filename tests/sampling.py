"""Long tables of examples: the default lane takes a sample, `scripts/test --full` takes them all."""

from collections.abc import Iterable
from typing import Any

import pytest


def sampled(examples: Iterable[Any], *, one_in: int) -> list[Any]:
    """These examples for `pytest.mark.parametrize`: each `one_in`-th, from the first on, is in the default lane, the
    others are marked `long_proof`.

    Where kinds take turns in the table, `one_in` and their number should have no common divisor: each kind is met then.
    """
    return [example if number % one_in == 0 else _left_out(example) for number, example in enumerate(examples)]


def _left_out(example: Any) -> Any:
    values = example if isinstance(example, tuple) else (example,)
    return pytest.param(*values, marks=pytest.mark.long_proof)
