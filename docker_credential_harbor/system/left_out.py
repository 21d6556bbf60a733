"""Modules that a library imports where they are installed, and that nothing here makes it use.

Each library copes with their absence: it says so itself, or is packaged without them. Source: Python's import system,
5.3.1: None in ``sys.modules`` is a module that is not there.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


@contextmanager
def left_out(*names: str) -> Iterator[None]:
    """While the block runs none of these can be imported; one that has been imported stays."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent, cast("ModuleType", None)))
    try:
        yield
    finally:
        for name in absent:
            sys.modules.pop(name, None)
