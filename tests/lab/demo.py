"""`make demo`: the helper's main job, shown on an embedded lab with nothing but Python; exit status 1 if a step fails.

The sign-in is done by a built-in walk (a browser made of requests), or in the person's own browser where they want it:
DEMO_BROWSER=1 or 0 chooses, else a terminal is asked.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from docker_credential_harbor.person import reaching
from tests.lab.demo_lab import DemoLab
from tests.lab.demo_report import Report
from tests.lab.demo_steps import Demo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CHOICE = "DEMO_BROWSER"


def main() -> int:
    """Runs it and returns the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report, lab = Report(), None
    try:
        interactive = sys.stdin.isatty() and sys.stdout.isatty()
        own_browser = wants_own_browser(os.environ, interactive, input)
        with DemoLab(own_browser) as lab:
            _introduce(report, lab, own_browser)
            Demo(lab, report).run()
    except KeyboardInterrupt:
        left = lab.leftovers() if lab else []
        report.line(f"\nBroken off; {'still there: ' + ', '.join(left) if left else 'nothing is left'}.")
        return 130
    with report.step("nothing is left behind") as step:
        left = lab.leftovers()
        step.expect("temporary home, processes and kernel keys are gone", not left)
        for thing in left:
            step.say(f"still there: {thing}")
    report.summary()
    return 0 if report.ok else 1


def wants_own_browser(environ: Mapping[str, str], interactive: bool, ask: Callable[[str], str]) -> bool:
    """Whether the person signs in in their own browser; asked only where there are both."""
    choice = environ.get(CHOICE, "")
    if choice:
        return choice != "0"
    if not interactive or reaching.reach("auto", environ, has_terminal=False).way != "browser":
        return False
    answer = ask("Sign in in your own browser, instead of the built-in walk? [y/N] ")
    return answer.strip().lower() in ("y", "yes")


def _introduce(report: Report, lab: DemoLab, own_browser: bool) -> None:
    played = "you, in your own browser" if own_browser else f"{lab.person.username}, played by the built-in walk"
    how = "" if own_browser else f" ({CHOICE}=1 opens your own browser)"
    report.line(
        "docker-credential-harbor, shown on an embedded lab. All of it is on this machine, and gone afterwards."
    )
    report.line(f"  Harbor    {lab.harbor.url}  a stand-in, written from what a real one was measured to do")
    report.line(f"  provider  {lab.provider.issuer}  a small OpenID provider")
    report.line(f"  person    {played}{how}")
    report.line("  home      temporary: your configuration, keyring and ~/.docker stay as they are")


if __name__ == "__main__":
    sys.exit(main())
