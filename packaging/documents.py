"""Man page and completions, made from the parser that reads the command line, and the example configuration."""

from __future__ import annotations

import argparse
import gzip
import shutil
from typing import TYPE_CHECKING

import shtab
from argparse_manpage.manpage import Manpage

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = "config.toml.example"
COMPLETIONS = {"bash": "{}.bash", "zsh": "_{}", "fish": "{}.fish"}


def write(folder: Path, repository: Path, version: str) -> None:
    """Writes them into a folder that is made for them. The product must be importable."""
    from docker_credential_harbor.entry import command_line
    from docker_credential_harbor.model import PROGRAM

    folder.mkdir()
    (folder / f"{PROGRAM}.1.gz").write_bytes(gzip.compress(_man_page(version).encode(), 9, mtime=0))
    for shell, name in COMPLETIONS.items():
        script = shtab.complete(command_line.parser(), shell=shell)
        (folder / name.format(PROGRAM)).write_text(script, encoding="utf-8")
    shutil.copyfile(repository / "packaging" / EXAMPLE, folder / EXAMPLE)


def _man_page(version: str) -> str:
    from docker_credential_harbor.entry import command_line, manual
    from docker_credential_harbor.model import PROGRAM

    parser = command_line.parser()
    parser.epilog = None  # its parts are sections of their own
    data = {
        "project_name": PROGRAM,
        "version": version,
        "description": (parser.description or "").removesuffix("."),
        "manual_title": "User Commands",
    }
    parser.description = f"{parser.description} {command_line.CALLED_BY_DOCKER}"
    page = Manpage(parser, data, format="single-commands-section")
    for name, command in _commands(parser).items():
        if command.epilog:  # argparse-manpage leaves these out
            page.add_section(f"more about {name}", ">", _as_it_stands(page.format_text(command.epilog)))
    for title, entries in manual.SECTIONS.items():
        page.add_section(title, ">", "\n".join(_entry(page, entry.term, entry.words) for entry in entries))
    page.add_section("examples", ">", _as_it_stands(page.format_text(command_line.EXAMPLES)))
    return str(page)


def _entry(page: Manpage, term: str, words: str) -> str:
    """Source: groff_man(7), TP."""
    return f".TP\n\\fB{page.mf.format_text(term)}\\fR\n{page.mf.format_text(words)}"


def _as_it_stands(text: str) -> str:
    """With its own ends of lines. Source: groff_man(7), EX."""
    return f".EX\n{text}\n.EE"


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    [action] = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001
    return dict(action.choices)
