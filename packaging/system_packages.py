""".deb and .rpm, by nfpm: where everything goes, and what the packages need of the system."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glibc import Needs

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # as nfpm calls them
DEBIAN_NAMES = {"libgcc_s.so.1": "libgcc-s1"}
SUMMARY = "Docker credential helper for Harbor registries that sign people in through OIDC"
DESCRIPTION = f"""\
{SUMMARY}
Docker asks it for the pair of user name and secret. It signs a person in at the
identity provider, keeps that alive, and hands out a pair that Harbor accepts now.
"""


def build(
    dist: Path, work: Path, folder: Path, staged: Path, name: str, version: str, machine: str, needs: Needs
) -> None:
    """Writes both packages into ``dist``."""
    description = work / "nfpm.json"
    described = _description(folder, staged, name, version, needs) | {"arch": ARCHITECTURES[machine]}
    description.write_text(json.dumps(described, indent=2), encoding="utf-8")
    nfpm = shutil.which("nfpm", path=str(Path(sys.executable).parent))
    assert nfpm, "it comes with this virtual environment"
    for packager in ("deb", "rpm"):
        command = [nfpm, "package", "--config", str(description), "--packager", packager, "--target", str(dist)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _description(folder: Path, staged: Path, name: str, version: str, needs: Needs) -> dict[str, Any]:
    made_at = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc)
    return {
        "name": name,
        "version": version,
        "version_schema": "none",
        "section": "utils",
        "priority": "optional",
        "maintainer": f"{name} project",
        "vendor": f"{name} project",
        "description": DESCRIPTION,
        "mtime": made_at.isoformat(),
        "contents": _contents(folder, staged, name),
        "overrides": {
            "deb": {"depends": [f"libc6 (>= {needs.glibc_text})", *(DEBIAN_NAMES[each] for each in needs.libraries)]},
            "rpm": {"depends": [_rpm_name("libc.so.6", f"GLIBC_{needs.glibc_text}"), *map(_rpm_name, needs.libraries)]},
        },
        "rpm": {"summary": SUMMARY, "buildhost": "localhost"},  # of itself it would be the machine's
    }


def _rpm_name(library: str, symbol_version: str = "") -> str:
    """As the packages of these libraries are said to provide them."""
    return f"{library}({symbol_version})(64bit)"


def _contents(folder: Path, staged: Path, name: str) -> list[dict[str, Any]]:
    program, documents = f"/usr/lib/{name}", f"/usr/share/doc/{name}"
    return [
        {"type": "tree", "src": str(folder), "dst": program},
        {"type": "symlink", "src": f"../lib/{name}/{name}", "dst": f"/usr/bin/{name}"},
        {"type": "dir", "dst": documents, "file_info": {"mode": 0o755}},
        _file(staged / "copyright", f"{documents}/copyright"),
        _file(staged / "config.toml.example", f"{documents}/config.toml.example"),
        _file(staged / f"{name}.1.gz", f"/usr/share/man/man1/{name}.1.gz"),
        _file(staged / f"{name}.bash", f"/usr/share/bash-completion/completions/{name}"),
        _file(staged / f"{name}.fish", f"/usr/share/fish/vendor_completions.d/{name}.fish"),
        {**_file(staged / f"_{name}", f"/usr/share/zsh/vendor-completions/_{name}"), "packager": "deb"},
        {**_file(staged / f"_{name}", f"/usr/share/zsh/site-functions/_{name}"), "packager": "rpm"},
    ]


def _file(source: Path, place: str) -> dict[str, Any]:
    return {"src": str(source), "dst": place, "file_info": {"mode": 0o644}}
