"""What to say of a library that Python found and could not import, or did not find: where it lies, and what to do.

Only the installation by pip or pipx can meet this: the package's program has its libraries with it, and its Python
reads neither PYTHONPATH nor a user's site-packages (PyInstaller's bootloader starts it isolated).
"""

from __future__ import annotations

import errno
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import docker_credential_harbor
from docker_credential_harbor.errors import LibraryUnusable, NoFilesLeft

if TYPE_CHECKING:
    from types import TracebackType

OURS = "docker_credential_harbor"
OUR_PLACE = str(Path(docker_credential_harbor.__file__).parents[1])
_CALLED = re.compile(r"(\w+)(?:\.\w+)*\(\) ")  # what a TypeError about arguments begins with


def unusable(fault: BaseException) -> LibraryUnusable | NoFilesLeft | None:
    """The failure to tell where a library could not be imported, or lacks what is asked of it and is not the one that
    was installed with us; None: it was something else. Its own words only where an import failed: others may be secret.
    """
    if isinstance(fault, OSError) and fault.errno in (errno.EMFILE, errno.ENFILE):  # any import can be the one too many
        return NoFilesLeft(reason=os.strerror(fault.errno).lower())
    reason = f"{type(fault).__name__}: {fault}" if str(fault) else type(fault).__name__
    file = (isinstance(fault, SyntaxError) and fault.filename) or _imported_file(fault.__traceback__)
    if isinstance(fault, ImportError):
        name = (fault.name or file).partition(".")[0]
        file = fault.path or _file_of(name) or file
    elif not file and isinstance(fault, (AttributeError, TypeError)):
        name, reason = _named_by(fault), type(fault).__name__
        file = _file_of(name)
    else:
        name = Path(file).parent.name if Path(file).name == "__init__.py" else Path(file).stem
    if not (name or file):
        return None
    return LibraryUnusable(
        library=name or "asked for", place=f" at {file}" if file else "", reason=reason, todo=_advice(file)
    )


def _imported_file(trace: TracebackType | None) -> str:
    """The innermost file of another's that was being imported; "": none was."""
    found = ""
    while trace:
        code, module = trace.tb_frame.f_code, str(trace.tb_frame.f_globals.get("__name__"))
        if code.co_name == "<module>" and module.partition(".")[0] not in (OURS, "__main__"):
            found = code.co_filename
        trace = trace.tb_next
    return found


def _named_by(fault: AttributeError | TypeError) -> str:
    """The library before ours that lacks the attribute, or whose function does not take the arguments; "": none."""
    concerned = getattr(fault, "obj", None)  # of an AttributeError
    called = _CALLED.match(str(fault))
    for name, module in list(sys.modules.items()):
        if "." not in name and _goes_before_ours(_file_of(name)):
            function = vars(module).get(called[1]) if called else None
            if concerned is module or name in map(_library_of, (function, concerned, type(concerned))):
                return name
    return ""


def _library_of(value: object) -> str:
    """Where a function or class was made."""
    return str(getattr(value, "__module__", "")).partition(".")[0]


def _file_of(name: str) -> str:
    return getattr(sys.modules.get(name), "__file__", None) or ""


def _goes_before_ours(file: str) -> bool:
    """Whether PYTHONPATH or the user's own site-packages brought it, and not us as well."""
    places = [*_named_by_variable(), _own_site()]
    return not _is_under(file, OUR_PLACE) and any(_is_under(file, place) for place in places)


def _advice(file: str) -> str:
    anew = "install docker-credential-harbor anew"
    if getattr(sys, "frozen", False):
        return anew
    if any(_is_under(file, place) for place in _named_by_variable()):
        return "it was found by PYTHONPATH: unset that, or run this program without it"
    if _is_under(file, _own_site()):
        return "it was found in your own site-packages: set PYTHONNOUSERSITE=1, or take it out there"
    return f"{anew}, into an environment of its own (pipx)"


def _named_by_variable() -> list[str]:
    return os.environ.get("PYTHONPATH", "").split(os.pathsep)


def _own_site() -> str:
    import site

    return site.getusersitepackages() or ""


def _is_under(file: str, folder: str) -> bool:
    return bool(file and folder) and Path(file).resolve().is_relative_to(Path(folder).resolve())
