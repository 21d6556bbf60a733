"""Regular expressions that a package brings compiled, as it does modules: that is a fifth of a `get` that asks.

The build notes them in a file beside this one (packaging/patterns.py). Where pip installed us there is none, and all
are compiled as ever, as is each that the file has not. What stands in it is what `re` hands to its engine, and nothing
but the interpreter that wrote it takes it. Source: `compile` in CPython's Lib/re/_compiler.py.
"""

from __future__ import annotations

import marshal
import os
import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FILE = os.path.join(os.path.dirname(__file__), "known_patterns.marshal")  # noqa: PTH118, PTH120 - pathlib has patterns


def use(file: str = FILE) -> None:
    """From here on `re` takes from the file what is there."""
    try:
        with open(file, "rb") as opened:  # noqa: PTH123
            written_by, known = marshal.loads(opened.read())  # noqa: S302 - as a module's code is read
    except (OSError, EOFError, ValueError, TypeError):  # none, or damaged: all is compiled as ever
        return
    if written_by != sys.version:
        return
    compiler: Any = import_module("re._compiler")
    compile_anew = compiler.compile

    def compile_unless_known(pattern: Any, flags: int = 0) -> Any:
        ready = known.get((pattern, flags))
        if ready is None:
            return compile_anew(pattern, flags)
        all_flags, code, *groups = ready
        return compiler._sre.compile(pattern, all_flags, list(memoryview(code).cast("I")), *groups)  # noqa: SLF001

    compiler.compile = compile_unless_known
