"""Long tests: sampled in `make test`, in full and with their figures in `make soak` (which sets SOAK)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.soak.scale import FULL

if TYPE_CHECKING:
    from collections.abc import Callable

FIGURES = Path(__file__).parents[2] / "build" / "soak.json"

_noted: dict[str, dict[str, Any]] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In full they take as long as they take."""
    for item in items:
        if FULL and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(0))


@pytest.fixture
def note_figures(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Keeps what was counted, for the summary and for build/soak.json: `note_figures(name=value, …)`."""

    def note(**figures: Any) -> None:
        _noted.setdefault(request.node.name, {}).update(figures)

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures of a full run; a sampled one has none worth keeping."""
    if not FULL or not _noted:
        return
    terminalreporter.section(f"figures, on {os.cpu_count()} cores")
    for name, figures in _noted.items():
        shown = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in figures.items())
        terminalreporter.write_line(f"{name}: {shown}")
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps({"cores": os.cpu_count(), "figures": _noted}, indent=1) + "\n")
