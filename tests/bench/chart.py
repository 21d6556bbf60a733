"""A small bar chart in SVG, readable on light and dark pages."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH, LEFT, ROW, BAR, TOP = 760, 300, 30, 18, 46
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#24292f}.own{fill:#2f81f7}.other{fill:#8c959f}.note{fill:#57606a}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.note{fill:#9198a1}}"
)


def chart(milliseconds: Mapping[str, float], machine: str) -> str:
    """One bar for each name, the shortest first; ours are those that begin as the first one does.

    A bar that is much longer than ours is cut.
    """
    own = next(iter(milliseconds)).partition(",")[0]
    rows = sorted(milliseconds.items(), key=lambda row: row[1])
    longest = 1.2 * max(value for name, value in rows if name.startswith(own))
    parts = [f'<text x="0" y="18">Milliseconds from start to end; medians, taken in turns ({escape(machine)})</text>']
    for number, (name, value) in enumerate(rows):
        y = TOP + number * ROW
        length = (WIDTH - LEFT - 80) * min(value, longest) / longest
        kind = "own" if name.startswith(own) else "other"
        more = " »" if value > longest else ""
        parts += [
            f'<text x="{LEFT - 10}" y="{y}" text-anchor="end">{escape(name)}</text>',
            f'<rect class="{kind}" x="{LEFT}" y="{y - 13}" width="{length:.1f}" height="{BAR}" rx="3"/>',
            f'<text x="{LEFT + length + 8:.1f}" y="{y}">{value:g}{more}</text>',
        ]
    height = TOP + len(rows) * ROW
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    return f'{head} role="img" aria-label="Start-up times">\n<style>{STYLE}</style>\n' + "\n".join(parts) + "\n</svg>\n"
