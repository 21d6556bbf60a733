"""Writes docs/troubleshooting.md: a heading a code, from the classes of errors.py and the words beside this file.

What happened and what to do come from the classes, with capitals in the place of facts; what it means, for people, from
troubleshooting.toml. A cause without words and words without a cause stop it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from string import Formatter
from typing import Any, NamedTuple

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from docker_credential_harbor import errors
from docker_credential_harbor.entry.docker_protocol import WRONG_REQUESTS
from docker_credential_harbor.errors import Failure
from docker_credential_harbor.use_cases import doctor_checks

PAGE = Path(__file__).parents[1] / "troubleshooting.md"
WORDS = Path(__file__).with_suffix(".toml")
CHECKS = "doctor"
NOT_ASKED = "not-asked"

# Where a fact is a command or a sentence, one that is usual.
USUAL = {
    "nobody-to-ask": {"todo": "run: docker-credential-harbor login REGISTRY"},
    "no-sign-in-needed": {"todo": "run: docker-credential-harbor login REGISTRY"},
    "harbor-not-kept-alive": {"age": "70 seconds"},
    "not-entered": {"fix": "try again once it can"},
    "session-ended": {
        "finding": "the CLI secret of USERNAME is right, and Harbor refuses it: Harbor's own sign-in has ended",
        "todo": "run: docker-credential-harbor login REGISTRY",
    },
    "sign-in-paused": {"todo": "run: docker-credential-harbor login REGISTRY"},
    "stored-pair-refused": {"command": "docker-credential-harbor login REGISTRY"},
}

COMMAND = re.compile(r"(?:docker-credential-harbor|docker) [a-z]+(?: (?:--[a-z-]+|FILE|REGISTRY)\b)*|client_id = ''")

TOP = """\
<!-- Made from docker_credential_harbor/errors.py by make troubleshooting. -->
# Troubleshooting

Each message that tells of a failure is one line on standard error, with its code in front:

```text
docker-credential-harbor: [CODE] what happened: what to do
```

This page has a heading for each code. Words in capitals stand for facts. Docker itself says only `unauthorized`, or
`no basic auth credentials`, whatever the cause; the helper's line is above it. Where Docker quotes the helper
(`error storing credentials … out:`), the message is the same, without the code.

**Start with** `docker-credential-harbor doctor`: it goes from `PATH` to Harbor's own session, and [its checks](#doctor)
end with what to do. `docker-credential-harbor status` shows who is signed in and whether Harbor accepts it.
`DOCKER_CREDENTIAL_HARBOR_TRACE=1` before a command shows what was asked of whom, without secrets.

**Docker says `unauthorized` and the helper nothing**: Docker did not ask it. `doctor` finds out why in most cases:

"""

CHECKS_TOP = """
## doctor

`docker-credential-harbor doctor` makes these checks, in this order. One that fails ends with `fix:` and what to do;
where others rest on it, it is the last one. `doctor --json` has them by these names.

| check | what it looks at |
|---|---|
"""


class Cause(NamedTuple):
    kind: type[Failure]
    meaning: str


def causes() -> dict[str, type[Failure]]:
    """Every class of errors.py that a person can be told, by its code. Raises ValueError where two share one."""
    found: dict[str, type[Failure]] = {}
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, Failure) and kind is not Failure:
            if not kind.code or kind.code in found:
                raise ValueError(f"{kind.__name__} has no code of its own: {kind.code!r}")
            found[kind.code] = kind
    return found


def chapters() -> tuple[dict[str, list[Cause]], dict[str, str]]:
    """The causes of each chapter, and what each check of `doctor` looks at. Raises ValueError where they do not fit."""
    written = _written()
    del written[NOT_ASKED]
    checks: dict[str, str] = written.pop(CHECKS)
    kinds = causes()
    _same("checks of doctor", list(checks), list(doctor_checks.CHECKS))
    _same("codes", [code for words in written.values() for code in words], list(kinds))
    return {
        title: [Cause(kinds[code], meaning) for code, meaning in words.items()] for title, words in written.items()
    }, {name: checks[name] for name in doctor_checks.CHECKS}


def reasons_not_asked() -> list[str]:
    """Why Docker may not have asked the helper; each begins with the reason itself."""
    return list(_written()[NOT_ASKED])


def _written() -> dict[str, Any]:
    return tomllib.loads(WORDS.read_text(encoding="utf-8"))


def page() -> str:
    """The whole page, as Markdown."""
    found, checks = chapters()
    parts = [TOP, *(f"- {reason}\n" for reason in reasons_not_asked())]
    for title, of_chapter in found.items():
        parts.append(f"\n## {title}\n")
        parts.extend(_section(cause) for cause in of_chapter)
    rows = "".join(f"| `{name}` | {looks_at} |\n" for name, looks_at in checks.items())
    return "".join((*parts, CHECKS_TOP, rows))


def _section(cause: Cause) -> str:
    code = cause.kind.code
    what = _filled(cause.kind.what, code)
    advice = "; ".join(filter(None, (cause.kind.advice, cause.kind.otherwise)))
    todo = f"\n**What to do**: {_sentence(_filled(advice, code))}\n" if advice else ""
    # Those are told on standard output, as the protocol has it.
    shown = what if issubclass(cause.kind, WRONG_REQUESTS) else f"[{code}] {what}"
    return f"\n### {code}\n\n> `{shown}`\n\n{cause.meaning.strip()}\n{todo}"


def _sentence(advice: str) -> str:
    text = COMMAND.sub(r"`\g<0>`", advice.replace("run: ", "run "))
    return f"{text[0].upper()}{text[1:]}."


def _filled(template: str, code: str) -> str:
    names = [name for _, name, _, _ in Formatter().parse(template) if name]
    facts = {name: name.upper() for name in names} | USUAL.get(code, {})
    return template.format_map({name: errors.Fact(fact) for name, fact in facts.items()})


def _same(what: str, with_words: list[str], there: list[str]) -> None:
    if sorted(with_words) != sorted(there):
        odd = sorted(set(there) ^ set(with_words)) or "one is there twice"
        raise ValueError(f"{WORDS.name} and the {what} differ: {odd}")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
