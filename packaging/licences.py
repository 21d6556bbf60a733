"""The licence texts of all that is bundled, collected at build time from what is installed, in one file.

It is called `copyright` and lies in the documentation's folder: the one file there that slim images keep.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contents import Part

COMMON = re.compile(r"/usr/share/common-licenses/[A-Za-z0-9.+-]*[A-Za-z0-9+]")
RULE = "=" * 100
BEGINNING = """\
This program is delivered with the parts listed here, each under its own licence. Their texts follow.
"""


def write(path: Path, parts: list[Part]) -> None:
    """Writes the file. Raises ValueError for a part without a text: nothing is delivered without one."""
    without = [part.name for part in parts if not part.texts]
    if without:
        raise ValueError(f"no licence text found for {', '.join(without)}")
    sections = [(f"{part.name} {part.version}", "\n".join(_text(text) for text in part.texts)) for part in parts]
    named = sorted({name for _, text in sections for name in COMMON.findall(text)})
    sections += [(name, _text(Path(name))) for name in named if Path(name).is_file()]
    listed = "".join(f"  {title}\n" for title, _ in sections)
    texts = "".join(f"\n{RULE}\n{title}\n{RULE}\n\n{text}\n" for title, text in sections)
    path.write_text(f"{BEGINNING}\n{listed}{texts}", encoding="utf-8")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip("\n")
