"""Modules that a library imports for functions that nothing here makes it call: they are imported once somebody does.

A stand-in for each is there while the library is imported, and stays where the library has put it. Whatever is asked of
it that it has not leads to the module itself, so a library that needs more than it did costs time and does not fail.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class StandIn(ModuleType):
    """Has what is given; all else is the module's."""

    def __init__(self, name: str, members: Mapping[str, Any]) -> None:
        super().__init__(name)
        self.__dict__.update(members)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # of a module's own: asked by Python's import, and answered by ModuleType
            raise AttributeError(name)
        return getattr(_imported(self.__name__), name)


def functions(module: str, *names: str) -> dict[str, Callable[..., Any]]:
    """Members of a stand-in: functions of the module, which import it when they are called."""

    def later(name: str) -> Callable[..., Any]:
        return lambda *arguments, **options: getattr(_imported(module), name)(*arguments, **options)

    return {name: later(name) for name in names}


def _imported(name: str) -> ModuleType:
    if isinstance(sys.modules.get(name), StandIn):  # within the block
        del sys.modules[name]
    return import_module(name)


@contextmanager
def put_off(members: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
    """While the block runs, imports of these modules give stand-ins with those members; one imported before stays."""
    stand_ins = {name: StandIn(name, members[name]) for name in members if name not in sys.modules}
    sys.modules.update(stand_ins)
    _bind(stand_ins)
    try:
        yield
    finally:
        _bind(stand_ins)  # in packages that were imported since
        for name in _in_place(stand_ins):
            del sys.modules[name]


def import_standard_library() -> None:
    """Modules of it that every run but a warm `get` imports, without their part that is for packed archives, networks
    or the paths of another system.
    """
    with put_off({name: {} for name in ("bz2", "ipaddress", "lzma", "ntpath")}):
        for name in ("pathlib", "shutil", "urllib.parse"):
            import_module(name)


def _bind(stand_ins: Mapping[str, StandIn]) -> None:
    """In their packages, as an import does (Python's import system, 5.4.2)."""
    for name in _in_place(stand_ins):
        package, _, own = name.rpartition(".")
        if package in sys.modules:
            setattr(sys.modules[package], own, stand_ins[name])


def _in_place(stand_ins: Mapping[str, StandIn]) -> list[str]:
    return [name for name in stand_ins if sys.modules.get(name) is stand_ins[name]]
