"""Where Python's clients are installed: an environment of their own, with nothing of the helper's in it."""

from __future__ import annotations

from pathlib import Path

PYTHON = Path(__file__).parents[2] / "build" / "clients-venv" / "bin" / "python"
INSTALL = "make build/clients-venv/.installed"


def python() -> str | None:
    """The interpreter; None where `make` has not installed it."""
    return str(PYTHON) if PYTHON.exists() else None
