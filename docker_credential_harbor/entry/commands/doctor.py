"""`doctor [REGISTRY]`: finds the cause why pulls fail, and says what to do about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from docker_credential_harbor.context import open_context
from docker_credential_harbor.errors import EXIT_FAILURE, NoRegistry
from docker_credential_harbor.person.prompt import painted, say, write
from docker_credential_harbor.use_cases import why_no_pair
from docker_credential_harbor.use_cases.doctor_checks import Examination

if TYPE_CHECKING:
    import argparse

    from docker_credential_harbor.use_cases.client_checks import Check


EXAMPLES = (
    "doctor",
    "doctor --json harbor.example.com",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("registry", nargs="?", metavar="REGISTRY", help="as in image names; all if left out")
    parser.add_argument("--json", action="store_true", help="for programs: one object a registry, each on its line")


def run(arguments: argparse.Namespace) -> int:
    context = open_context(asked=True)
    registries = context.registries(arguments.registry)
    if not registries:
        raise NoRegistry()
    all_well = True
    for registry in registries:
        last_pull = why_no_pair.told(registry)
        if not arguments.json:
            say(f"{registry.name}:")
            if last_pull:
                say(f"  {last_pull}")
        checks = []
        for check in Examination(context, registry).run():
            checks.append(check)
            if not arguments.json:
                _print(check)
        ok = all(check.ok for check in checks)
        all_well = all_well and ok
        if arguments.json:
            told = {"last_pull": last_pull, "checks": [check._asdict() for check in checks]}
            write(json.dumps({"registry": registry.name, "ok": ok, **told}))
    return 0 if all_well else EXIT_FAILURE


def _print(check: Check) -> None:
    word = painted("ok  ", "green") if check.ok else painted("FAIL", "red")
    say("  ", word, f"  {check.name}: {check.message}", flush=True)
    if not check.ok:
        say(f"        fix: {check.fix}", flush=True)
