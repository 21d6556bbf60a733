"""What a package brings ready where an import would make it: regular expressions and texts that libraries compile, and
the modules themselves in one file instead of two hundred. That is a third of a `get` that asks.

The build notes it in a file beside this one (packaging/known_code.py). Where pip installed us there is none, and all is
made as ever, as is whatever the file has not. Nothing but the interpreter that wrote it takes it. Source: CPython's
`compile` in Lib/re/_compiler.py, `namedtuple` in Lib/collections, `ForwardRef` in Lib/typing.py; Python's import
system, 5.4.
"""

from __future__ import annotations

import marshal
import os
import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CodeType
    from typing import Any

FILE = os.path.join(os.path.dirname(__file__), "known_code.marshal")  # noqa: PTH118, PTH120 - pathlib has patterns
FOLDER = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))  # noqa: PTH120


def use(file: str = FILE, folder: str = FOLDER) -> None:
    """From here on what is in the file is taken from there. ``folder``: where its modules lie as files, too."""
    try:
        with open(file, "rb") as opened:  # noqa: PTH123
            from mmap import ACCESS_READ, mmap

            content = memoryview(mmap(opened.fileno(), 0, access=ACCESS_READ))
        written_by, size, patterns, texts, modules = marshal.loads(content)  # noqa: S302 - as a module's code is read
    except (OSError, EOFError, ValueError, TypeError):  # none, or damaged: all is made as ever
        return
    if (written_by, size) != (sys.version, len(content)):
        return
    _import_known(modules, content, folder)
    _compile_no_known_text(texts)
    _compile_no_known_pattern(patterns)


def _import_known(modules: Mapping[str, tuple[str, int, int | None]], content: memoryview, folder: str) -> None:
    """``modules``: the file of each, below the folder; where its code is in the content, counted from the end."""
    of_files: Any = sys.modules["_frozen_importlib_external"]
    new_spec: Any = sys.modules["_frozen_importlib"].ModuleSpec

    class Loader(of_files.SourcelessFileLoader):  # type: ignore[misc]
        def get_code(self, fullname: str) -> Any:
            _, begin, end = modules[fullname]
            return marshal.loads(content[begin:end])  # noqa: S302

    class Finder:
        @staticmethod
        def find_spec(name: str, _path: Any = None, _target: Any = None) -> Any:
            if name not in modules:
                return None
            place = f"{folder}/{modules[name][0]}"
            is_package = place.endswith("/__init__.pyc")
            spec = new_spec(name, Loader(name, place), origin=place, is_package=is_package)
            spec.has_location = True
            if is_package:
                spec.submodule_search_locations.append(place.rpartition("/")[0])
            return spec

    sys.meta_path.insert(sys.meta_path.index(of_files.PathFinder), Finder)


def _compile_no_known_text(texts: Mapping[str, CodeType]) -> None:
    """Of named tuples, which are made by a text, and of annotations that are texts."""
    collections: Any = import_module("collections")
    typing: Any = import_module("typing")
    collections.eval = lambda text, names: eval(texts.get(text, text), names)  # noqa: S307 - namedtuple's own
    typing.compile = lambda text, *how: texts.get(text) or compile(text, *how)


def _compile_no_known_pattern(patterns: Mapping[tuple[Any, int], tuple[Any, ...]]) -> None:
    compiler: Any = import_module("re._compiler")
    compile_anew = compiler.compile

    def compile_unless_known(pattern: Any, flags: int = 0) -> Any:
        ready = patterns.get((pattern, flags))
        if ready is None:
            return compile_anew(pattern, flags)
        all_flags, code, *groups = ready
        return compiler._sre.compile(pattern, all_flags, list(memoryview(code).cast("I")), *groups)  # noqa: SLF001

    compiler.compile = compile_unless_known
