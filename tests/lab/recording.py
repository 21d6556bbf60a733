"""A terminal session drawn as SVG: every state of the screen for as long as it was there, and the last one stays.

Source: SVG 2; SMIL's `set` (SVG Animations 2), which an <img> plays, too. What plays no animation shows the last state.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

import pyte

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

UNWRAPPED_COLUMNS = 1000  # of the terminal that is recorded: lines are cut where they are drawn
COLUMNS = 100
CHARACTER, LINE, MARGIN, BAR = 8.4, 20, 16, 28  # pixels, at a font size of 14
PROMPT = "$ "
LONGEST_SECONDS = 2.0  # for which one state is shown
COLOURS = {"screen": "#0d1117", "text": "#e6edf3", "command": "#7ee787", "helper": "#9da7b1"}
HELPER_PREFIX = "docker-credential-harbor: "


class State(NamedTuple):
    """What was on the screen from an instant on, in seconds since the first one."""

    at: float
    lines: tuple[str, ...]


def states(chunks: Sequence[tuple[float, bytes]], shown: Callable[[str], str]) -> list[State]:
    """The different states that a terminal went through; `shown` says how a line is to appear in public."""
    screen = pyte.Screen(UNWRAPPED_COLUMNS, 60)
    stream = pyte.ByteStream(screen)
    found: list[State] = []
    at = 0.0
    before: float | None = None
    for instant, data in chunks:
        at += min(instant - before, LONGEST_SECONDS) if before is not None else 0
        before = instant
        stream.feed(data)
        lines = [shown(line.rstrip()) for line in screen.display]
        while lines and not lines[-1]:
            lines.pop()
        if not found or found[-1].lines != tuple(lines):
            found.append(State(at, tuple(lines)))
    return found


def drawn(session: Sequence[State], title: str) -> str:
    """The SVG."""
    height = BAR + MARGIN * 2 + LINE * max(len(_cut(state.lines)) for state in session)
    width = round(COLUMNS * CHARACTER + MARGIN * 2)
    ends: list[float | None] = [state.at for state in session[1:]]
    groups = "\n".join(_group(state, end) for state, end in zip(session, [*ends, None], strict=True))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" \
width="{width}" height="{height}" role="img" aria-labelledby="title text" \
font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14">
<title id="title">{escape(title)}</title>
<desc id="text">{escape(chr(10).join(session[-1].lines))}</desc>
<style>text {{ white-space: pre; fill: {COLOURS["text"]} }} .command {{ fill: {COLOURS["command"]} }} \
.helper {{ fill: {COLOURS["helper"]} }}</style>
<rect width="{width}" height="{height}" rx="8" fill="{COLOURS["screen"]}"/>
<circle cx="20" cy="16" r="6" fill="#ff5f57"/><circle cx="40" cy="16" r="6" fill="#febc2e"/>\
<circle cx="60" cy="16" r="6" fill="#28c840"/>
{groups}
</svg>
"""


def _group(state: State, end: float | None) -> str:
    lines = "".join(_line(number, line) for number, line in enumerate(_cut(state.lines)))
    if end is None:
        hidden = f'<set attributeName="visibility" to="hidden" begin="0s" end="{state.at:.2f}s"/>' if state.at else ""
        return f"<g>{hidden}{lines}</g>"
    shown = f'<set attributeName="visibility" to="visible" begin="{state.at:.2f}s" end="{end:.2f}s"/>'
    return f'<g visibility="hidden">{shown}{lines}</g>'


def _cut(lines: Sequence[str]) -> list[tuple[str, str]]:
    """Each with its class; what is too long goes on in the next line."""
    found = []
    for line in lines:
        kind = "command" if line.startswith(PROMPT) else "helper" if line.startswith(HELPER_PREFIX) else ""
        found += [(kind, line[at : at + COLUMNS]) for at in range(0, max(len(line), 1), COLUMNS)]
    return found


def _line(number: int, line: tuple[str, str]) -> str:
    kind, text = line
    if not text:
        return ""
    width = f'textLength="{len(text) * CHARACTER:.1f}"'
    y = BAR + MARGIN + number * LINE + 10
    classed = f' class="{kind}"' if kind else ""
    return f'<text x="{MARGIN}" y="{y}"{classed} {width}>{escape(text)}</text>'
