"""The lines that the helper writes to standard error, as a person reads them."""

from __future__ import annotations

import re

from docs.make import troubleshooting

PREFIX = "docker-credential-harbor: "


def without_reminder(text: str) -> str:
    """All but what to look for in the browser, said after a quarter of a minute: as long a slow machine may walk."""
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(f"{PREFIX}still waiting for the browser: "))


def failure_in(line: str) -> str:
    """What is said in a line that must tell a failure, without our name and its code, which the docs must explain."""
    told = re.fullmatch(PREFIX + r"\[([a-z-]+)\] (.+)\n?", line)
    assert told, line
    assert told[1] in troubleshooting.causes(), line
    return told[2]
