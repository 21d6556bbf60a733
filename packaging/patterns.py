"""Notes the regular expressions that a `get` compiles while it imports, as they are compiled, in a file of the package.

A program, as `bundle` runs it: the file, then folders to import from. It imports next to nothing itself, since of what
is imported already it would note nothing.
"""

from __future__ import annotations

import marshal
import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PRODUCT = "docker_credential_harbor"


def import_what_a_get_does() -> None:
    """One that asks Harbor; what it imports by the way (the configuration's reader, requests) among it."""
    for name in ("entry.docker_protocol", "use_cases.get", "remote.web.trust_store"):
        import_module(f"{PRODUCT}.{name}")
    import_module("tomllib")
    import_module(f"{PRODUCT}.system.folders").site_config_folders()
    import_module(f"{PRODUCT}.remote.web.requests_import").import_requests()
    import_module(f"{PRODUCT}.remote.web.http_adapter")


class Engine:
    """The one of `re`; in `handed` is what it was handed last."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.handed: tuple[Any, ...] = ()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def compile(self, pattern: Any, flags: int, code: list[int], *groups: Any) -> Any:
        """As the engine does it."""
        self.handed = (flags, b"".join(word.to_bytes(4, sys.byteorder) for word in code), *groups)
        return self._engine.compile(pattern, flags, code, *groups)


def noted() -> dict[tuple[str | bytes, int], tuple[Any, ...]]:
    """What the engine is handed for each pattern, by what `re` is asked for."""
    compiler: Any = import_module("re._compiler")
    engine = compiler._sre = Engine(import_module("_sre"))  # noqa: SLF001 - by that name re knows it
    compile_anew = compiler.compile
    found = {}

    def compile_and_note(pattern: str | bytes, flags: int = 0) -> Any:
        compiled = compile_anew(pattern, flags)
        found[pattern, int(flags)] = engine.handed  # of 3.13 on, no flags are a number of re's own class
        return compiled

    compiler.compile = compile_and_note
    import_what_a_get_does()
    return found


if __name__ == "__main__":
    file, *folders = sys.argv[1:]
    sys.path[:0] = folders
    with open(file, "wb") as opened:  # noqa: PTH123 - pathlib has patterns
        opened.write(marshal.dumps((sys.version, noted())))
