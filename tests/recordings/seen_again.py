"""What another build of the same Harbor, with its own nginx in front, answered otherwise than the one recorded.

The statuses were the same throughout. The recording stays as it was made; this is laid over it.
"""

import copy

from tests.recordings.replay import Case

SESSION = "sid=<session>; Path=/; HttpOnly"
HTML = "text/html; charset=utf-8"
SYSTEM_INFO_WITHOUT_AN_ACCOUNT = ("systeminfo", "hung-systeminfo", "down-systeminfo")
BASIC_IN_THE_API = ("current-basic-robot", "current-basic-local")
CALLBACKS_IN_A_SESSION = ("callback-not-onboarded", "callback-known-user", "callback-conflict")


def seen_again(case: Case) -> Case:
    """The case with the answer of the later build."""
    case = copy.deepcopy(case)
    name, response = case["case"], case["response"]
    headers = response.get("headers", {})
    if "_gorilla_csrf" in headers.get("set-cookie", ""):
        headers["set-cookie"] = headers["set-cookie"].replace("Max-Age", "Expires=<time>; Max-Age")
    if name in SYSTEM_INFO_WITHOUT_AN_ACCOUNT:
        del response["body"]["unauthenticated_landing_page"]
    if name in BASIC_IN_THE_API:
        headers["set-cookie"] = SESSION
    if name in CALLBACKS_IN_A_SESSION:
        headers["vary"] = "Cookie"
        headers.setdefault("content-type", HTML)
    if name == "callback-known-user":
        headers["set-cookie"] = SESSION
    return case
