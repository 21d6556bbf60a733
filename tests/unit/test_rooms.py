"""Every module's own test is found by its name: `tests/unit/ROOM/test_FILE.py` for `ROOM/FILE.py`."""

from __future__ import annotations

from pathlib import Path

import docker_credential_harbor

PRODUCT = Path(docker_credential_harbor.__file__).parent
TESTS = Path(__file__).parent


def own_test(module: Path) -> Path:
    place = module.relative_to(PRODUCT)
    return TESTS / place.parent / f"test_{place.stem.strip('_')}.py"


def test_of_every_module() -> None:
    modules = [path for path in PRODUCT.rglob("*.py") if path.name != "__init__.py"]
    assert modules
    assert [str(module) for module in modules if not own_test(module).exists()] == []
