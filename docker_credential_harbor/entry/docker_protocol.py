"""Docker's credential helper protocol: bytes in, bytes out, exit status.

Source: the documentation of docker/docker-credential-helpers. One verb, the payload on standard input, the answer or
the message on standard output. The streams are handed in.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

from docker_credential_harbor import errors
from docker_credential_harbor.config import read_config
from docker_credential_harbor.errors import Failure
from docker_credential_harbor.model import Credentials
from docker_credential_harbor.outside import json_value
from docker_credential_harbor.policy.caller import Caller, Wish
from docker_credential_harbor.system import ancestors, console
from docker_credential_harbor.warm_get import server_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker_credential_harbor.context import Context
    from docker_credential_harbor.model import Registry

MAXIMUM_PAYLOAD = 1 << 20  # bytes; Docker's own pairs are far below

# A request that is wrong in itself; everything else that goes wrong in a `get` is "not found" to Docker.
WRONG_REQUESTS = (errors.NoServerUrl, errors.NoUsername, errors.UnacceptableServerUrl, errors.UnacceptablePayload)


def serve(verb: str, stdin: BinaryIO, stdout: BinaryIO | None, began_at: float) -> int:
    """Answers one request and returns the exit status. ``began_at``: when this process was asked, since the epoch.

    Raises OutputNotWritten, also where there is an answer and no ``stdout``.
    """
    try:
        answer = VERBS[verb](_read(stdin) if verb not in ("list", "version") else b"", began_at)
        status = 0
    except Failure as failure:
        answer, status = str(failure), errors.EXIT_FAILURE
        if verb == "get" and not isinstance(failure, WRONG_REQUESTS):
            console.tell(failure)
            answer = errors.NOT_FOUND
    except _NotFound:
        answer, status = errors.NOT_FOUND, errors.EXIT_FAILURE
    if answer:
        _write(stdout, answer)
    return status


def _write(stdout: BinaryIO | None, answer: str) -> None:
    if stdout is None:
        raise errors.OutputNotWritten(reason="it is closed")
    try:
        stdout.write(answer.encode() + b"\n")
        stdout.flush()
    except BrokenPipeError:  # nobody is there any more to be told
        raise
    except OSError as fault:
        raise errors.OutputNotWritten(reason=(fault.strerror or "unknown").lower()) from fault


class _NotFound(Exception):
    """No pair, and nothing more is said: no configuration names the server, or it has been told why."""


def _get(payload: bytes, began_at: float) -> str:
    url = _server_url(payload)
    caller = _caller()
    console.called_by(drawn_over=caller.redraws, passed_on=caller.passes_on)
    context = _context(began_at)
    registry = _registry(context, url)
    if registry is None:
        from docker_credential_harbor.use_cases import stored_pairs

        try:
            pair = stored_pairs.load(context, url)
        except errors.NoHome:  # where nothing can be stored, nothing is
            pair = None
        if pair is None:
            raise _NotFound
    else:
        pair = _pair(context, registry, caller, began_at)
    return json.dumps({"ServerURL": url, "Username": pair.username, "Secret": pair.secret}, separators=(",", ":"))


def _caller() -> Caller:
    above = ancestors.above()
    stderrs = (ancestors.stderr_of(), *(each.stderr for each in above))
    lines = tuple(each.command_line for each in above)
    return Caller(lines, os.environ, stderrs=stderrs if stderrs[0] else ())


def _with_what_it_missed(caller: Caller, context: Context, registry: Registry) -> Caller:
    """Where that can tell more of it: what the same process had no pair for until now."""
    others = context.settings.registries.keys() - {registry.name}
    if not others or not caller.is_untold:
        return caller
    from docker_credential_harbor.storage import miss_note

    missed = miss_note.of_process(_callers_mark(), others)
    return caller._replace(missed_before=tuple(context.began_at - each.at for each in missed))


def _callers_mark() -> str:
    from docker_credential_harbor.system import processes

    with suppress(Exception):  # as in ancestors
        return processes.mark(os.getppid())
    return ""


def _pair(context: Context, registry: Registry, caller: Caller, began_at: float) -> Credentials:
    from docker_credential_harbor.person import reaching
    from docker_credential_harbor.storage import miss_note
    from docker_credential_harbor.use_cases import get

    caller = _with_what_it_missed(caller, context, registry)
    wish, reason = caller.wish(registry.name)
    reach = reaching.for_caller(context.reach, wish, reason)
    try:
        pair = get.credentials(context.with_reach(reach), registry)
    except Failure as failure:
        from docker_credential_harbor.use_cases import why_no_pair

        needless = wish is Wish.NOTHING and failure.note_code == errors.NobodyToAsk.code
        if needless:
            failure = errors.NoSignInNeeded(registry=registry.name, reason=reason, todo=failure.fix)
        if needless or wish is not Wish.NOTHING:
            why_no_pair.tell(registry, failure, caller.name, began_at, _callers_mark())
        else:  # of no interest later on
            console.tell(failure)
        raise _NotFound from None
    miss_note.forget(registry.name)
    return pair


def _store(payload: bytes, began_at: float) -> str:
    from docker_credential_harbor.use_cases import stored_pairs

    try:
        data = json_value.decoded(payload)
    except ValueError as fault:
        raise errors.UnacceptablePayload(reason=fault) from None
    if not isinstance(data, dict):
        raise errors.UnacceptablePayload(reason="it is not a JSON object")
    url, username, secret = (data.get(key, "") for key in ("ServerURL", "Username", "Secret"))
    if not all(isinstance(value, str) for value in (url, username, secret)):
        raise errors.UnacceptablePayload(reason="ServerURL, Username and Secret must be text")
    url = _checked(url.strip())
    if not username:
        raise errors.NoUsername()
    if _has_control_characters(username):  # a Secret may have line breaks: some registries take a JSON file for one
        raise errors.UnacceptablePayload(reason="Username must have no control characters")
    context = _context(began_at)
    stored_pairs.store(context, url, _registry(context, url), Credentials(username, secret))
    return ""


def _erase(payload: bytes, began_at: float) -> str:
    url = _server_url(payload)
    context = _context(began_at)
    registry = _registry(context, url, erasing=True)
    if registry is None:
        with suppress(errors.NoHome):  # where nothing can be stored, nothing is to be erased
            context.store.delete_stored(url)
    else:
        from docker_credential_harbor.use_cases import logout

        logout.sign_out(context, registry)
    return ""


def _list(_payload: bytes, began_at: float) -> str:
    """Whom it knows, and no registry where nobody is signed in: callers ask `get` for all that is named."""
    context, listed = _context(began_at), {}
    with suppress(errors.NoHome):
        listed = context.store.list()
    return json.dumps(listed, separators=(",", ":"))


def _version(_payload: bytes, _began_at: float) -> str:
    from docker_credential_harbor import __version__

    return f"docker-credential-harbor {__version__}"


VERBS: dict[str, Callable[[bytes, float], str]] = {
    "get": _get,
    "store": _store,
    "erase": _erase,
    "list": _list,
    "version": _version,
}


def _read(stdin: BinaryIO) -> bytes:
    payload = stdin.read(MAXIMUM_PAYLOAD + 1)
    if len(payload) > MAXIMUM_PAYLOAD:
        raise errors.UnacceptablePayload(reason="it is longer than 1 MiB")
    return payload


def _has_control_characters(value: str) -> bool:
    """RFC 7617 2 forbids them in Basic, and names are shown at terminals, some of which obey U+0080 to U+009F too."""
    return any(character < " " or "\x7f" <= character < "\xa0" for character in value)


def _server_url(payload: bytes) -> str:
    try:
        return _checked(payload.strip().decode())
    except UnicodeDecodeError:
        raise errors.UnacceptableServerUrl(reason="it is not UTF-8 text") from None


def _checked(url: str) -> str:
    if not url:
        raise errors.NoServerUrl()
    try:
        server_url.parse(url)
    except ValueError as fault:
        raise errors.UnacceptableServerUrl(reason=fault) from None
    return url


def _context(began_at: float) -> Context:
    from docker_credential_harbor.context import open_context

    return open_context(began_at=began_at)


def _registry(context: Context, url: str, *, erasing: bool = False) -> Registry | None:
    return read_config.registry_for(context.settings, url, erasing=erasing)
