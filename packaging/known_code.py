"""Notes what a `get` compiles while it imports, as it is compiled, and the modules that it imports, in a file of the
package (`docker_credential_harbor/system/known_code.py` takes it from there).

A program, as `bundle` runs it: the file, the package's folder of modules, then folders to import from. It imports next
to nothing itself, since of what is imported already it would note nothing.
"""

from __future__ import annotations

import marshal
import os
import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

PRODUCT = "docker_credential_harbor"
HEADER_BYTES = 16  # of a .pyc, before its code (PEP 552)


def import_what_a_get_does() -> None:
    """One that asks Harbor; what it imports by the way (the configuration's reader, requests) among it."""
    import_module(f"{PRODUCT}.system.put_off").import_standard_library()
    for name in ("entry.docker_protocol", "context", "use_cases.get", "remote.web.trust_store"):
        import_module(f"{PRODUCT}.{name}")
    import_module("encodings.utf_8_sig")
    import_module("ipaddress")  # of a registry without a name
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


def noting_patterns() -> dict[tuple[str | bytes, int], tuple[Any, ...]]:
    """What the engine is handed from now on for each pattern, by what `re` is asked for."""
    compiler: Any = import_module("re._compiler")
    engine = compiler._sre = Engine(import_module("_sre"))  # noqa: SLF001 - by that name re knows it
    compile_anew = compiler.compile
    found = {}

    def compile_and_note(pattern: str | bytes, flags: int = 0) -> Any:
        compiled = compile_anew(pattern, flags)
        found[pattern, int(flags)] = engine.handed  # of 3.13 on, no flags are a number of re's own class
        return compiled

    compiler.compile = compile_and_note
    return found


def noting_texts() -> dict[str, CodeType]:
    """What is compiled from now on of the texts that named tuples are made by, and that annotations are."""
    collections: Any = import_module("collections")
    typing: Any = import_module("typing")
    found = {}

    def compile_and_note(text: str, *_how: Any) -> CodeType:
        found[text] = compile(text, "<string>", "eval", dont_inherit=True)
        return found[text]

    collections.eval = lambda text, names: eval(compile_and_note(text), names)  # noqa: S307 - namedtuple's own
    typing.compile = compile_and_note
    return found


def imported_from(folder: str) -> dict[str, tuple[str, bytes]]:
    """The modules that have been imported and do not come with the executable: file below the folder, and code."""
    found = {}
    for name in sorted(name for name, module in sys.modules.items() if origin_of(module) != "frozen"):
        for file in (f"{name.replace('.', '/')}.pyc", f"{name.replace('.', '/')}/__init__.pyc"):
            if os.path.exists(f"{folder}/{file}"):  # noqa: PTH110 - pathlib has patterns
                with open(f"{folder}/{file}", "rb") as opened:  # noqa: PTH123
                    found[name] = file, opened.read()[HEADER_BYTES:]
    return found


def origin_of(module: object) -> str | None:
    """What the import system says of it."""
    return getattr(getattr(module, "__spec__", None), "origin", None)


def content(patterns: Any, texts: Any, modules: dict[str, tuple[str, bytes]]) -> bytes:
    """Of the file: what is said of it, then the modules' code."""
    codes = b"".join(code for _, code in modules.values())
    places: dict[str, Any] = {}
    begin = -len(codes)
    for name, (file, code) in modules.items():
        places[name] = file, begin, begin + len(code) or None
        begin += len(code)
    size = 0
    while True:  # its own size is in it
        head = marshal.dumps((sys.version, size, patterns, texts, places))
        if size == len(head) + len(codes):
            return head + codes
        size = len(head) + len(codes)


if __name__ == "__main__":
    file, folder, *folders = sys.argv[1:]
    sys.path[:0] = folders
    texts, patterns = noting_texts(), noting_patterns()
    import_what_a_get_does()
    with open(file, "wb") as opened:  # noqa: PTH123
        opened.write(content(patterns, texts, imported_from(folder)))
