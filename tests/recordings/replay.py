"""Reading the recordings, and comparing an answer with a recorded one.

`<…>` in a recording stands for a value that differs each time, HARBOR and PROVIDER for the two hosts.
"""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

FOLDER = Path(__file__).parent
# The headers that were recorded; others are not compared.
HEADERS = ("content-type", "location", "www-authenticate", "docker-distribution-api-version", "set-cookie", "vary")
# Members whose value is another each time: only the kind of value is compared.
VARYING = {
    "access_token",
    "creation_time",
    "current_time",
    "device_code",
    "harbor_version",
    "id",
    "id_token",
    "issued_at",
    "refresh_token",
    "secret",
    "session_state",
    "subiss",
    "token",
    "update_time",
    "user_code",
    "user_id",
}
# One recorded address was not replaced by HARBOR.
RECORDED_HARBOR = "http://127.0.0.1:8080"

Case = dict[str, Any]


def load(name: str) -> dict[str, Case]:
    """The cases of a recording by their names, which are all different."""
    cases: list[Case] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    by_name = {case["case"]: case for case in cases}
    assert len(by_name) == len(cases)
    return by_name


def neutral(text: str, addresses: dict[str, str]) -> str:
    """Puts the recordings' names in the place of real addresses and of what is random."""
    for address, name in addresses.items():
        text = text.replace(address, name).replace(quote(address, safe=""), quote(name, safe=""))
    for pattern, name in (
        (r"\bsid=[\w-]+", "sid=<session>"),
        (r"_gorilla_csrf=[\w-]+", "_gorilla_csrf=<csrf>"),
        (r"\bExpires=\w{3}, [\w :]+ GMT", "Expires=<time>"),
        (r"code_challenge=[\w-]+", "code_challenge=<code_challenge>"),
        (r"\bstate=[\w-]+", "state=<state>"),
    ):
        text = re.sub(pattern, name, text)
    return text


def seen_headers(answer: requests.Response, addresses: dict[str, str]) -> dict[str, str]:
    """The compared headers of an answer; several cookies in the order of their names, as they were recorded."""
    found = {}
    for name in HEADERS:
        values = sorted(answer.raw.headers.getlist(name))
        if values:
            found[name] = neutral(", ".join(values), addresses)
    return found


def check(recorded: Case, answer: requests.Response, addresses: dict[str, str]) -> None:
    """Status, headers and body; a body in JSON member by member."""
    assert answer.status_code == recorded["status"], answer.text
    if "headers" in recorded:
        assert seen_headers(answer, addresses) == recorded["headers"]
    expected = recorded.get("body")
    if isinstance(expected, str):
        shown = neutral(expected.replace(quote(RECORDED_HARBOR, safe=""), quote("https://HARBOR", safe="")), {})
        assert neutral(answer.text, addresses) == shown
    elif expected is not None:
        same_shape(json.loads(neutral(answer.text, addresses)), expected)


def same_shape(actual: object, expected: object, name: str = "") -> None:
    """The same members all the way down, and the same values except in those that vary."""
    if isinstance(expected, dict):
        assert isinstance(actual, dict)
        assert actual.keys() == expected.keys(), name
        for member, value in expected.items():
            same_shape(actual[member], value, member)
    elif isinstance(expected, list):
        assert isinstance(actual, list)
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            same_shape(one, other, name)
    elif name in VARYING:
        assert type(actual) is type(expected), name
    elif name == "scope":
        assert set(str(actual).split()) == set(str(expected).split())
    else:
        assert actual == expected, name
