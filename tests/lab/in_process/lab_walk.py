"""Lets a sign-in see what it cannot see by itself: that the person's browser is at rest (walk.py).

The module that waits for that is changed when the product imports it, and only then.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

WAITS = "docker_credential_harbor.sign_in.by_browser"


class AtImport:
    """One of `sys.meta_path`, for that one module."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """As importlib wants it."""
        spec = PathFinder.find_spec(name, path, target) if name == WAITS else None
        if spec and spec.loader:
            load = spec.loader.exec_module

            def load_and_change(module: ModuleType) -> None:
                load(module)
                module.__dict__["sign_in"] = seeing(module.__dict__["sign_in"])

            spec.loader.exec_module = load_and_change  # type: ignore[method-assign]
        return spec


def seeing(sign_in: Callable[..., Any]) -> Callable[..., Any]:
    """`by_browser.sign_in`, to whose `hold_back` it is shown as well."""

    def with_eyes(*arguments: Any, hold_back: Callable[[], bool], **named: Any) -> Any:
        return sign_in(*arguments, hold_back=lambda: at_rest() or hold_back(), **named)

    return with_eyes


def at_rest() -> bool:
    """Whether the lab's person opened something, and all of it has come to rest."""
    folder = os.path.dirname(os.environ.get("BROWSER", ""))  # noqa: PTH120
    opened, rested = (lines(os.path.join(folder, name)) for name in ("spool", "rested"))  # noqa: PTH118
    return 0 < opened == rested


def lines(file: str) -> int:
    """0 where somebody else is at the browser."""
    try:
        with open(file, "rb") as text:  # noqa: PTH123
            return text.read().count(b"\n")
    except OSError:
        return 0


sys.meta_path.insert(0, AtImport)
