"""The one way in: the warm `get`, else Docker's verbs, else the commands for people. No traceback leaves here.

The warm `get` is called for every registry in every pull. It is one straight line that imports next to nothing, and
whatever is unusual about a request goes the long way, which gives the same answer.
"""

from __future__ import annotations

import os
import sys

MAXIMUM_WARM_PAYLOAD = 4096
TRACE_VARIABLE = "DOCKER_CREDENTIAL_HARBOR_TRACE"


def main() -> int:
    """Runs what the arguments ask for and returns the exit status."""
    import time

    began_at = time.time()
    arguments = sys.argv[1:]
    payload = b""
    if arguments == ["get"] and TRACE_VARIABLE not in os.environ:
        payload = os.read(0, MAXIMUM_WARM_PAYLOAD + 1)
        answer = _warm_answer(payload)
        if answer:
            os.write(1, answer)
            return 0
    return _long_way(arguments, payload, began_at)


def _warm_answer(payload: bytes) -> bytes | None:
    """The answer from what is remembered; None: go the long way."""
    from docker_credential_harbor import remembered, server_url

    url = payload.strip()
    try:
        name, scheme = server_url.parse(url.decode("ascii"))
    except ValueError:
        return None
    if not name or scheme == "http" or b'"' in url or b"\\" in url:
        return None
    members = remembered.recall(name)
    return members and b'{"ServerURL":"%s",%s}\n' % (url, members)


def _long_way(arguments: list[str], payload: bytes, began_at: float) -> int:
    import io

    from docker_credential_harbor import console, errors, protocol, window

    try:
        if len(arguments) == 1 and arguments[0] in protocol.VERBS:
            rest = sys.stdin.buffer.read(protocol.MAXIMUM_PAYLOAD + 1) if _has_payload(arguments[0]) else b""
            return protocol.serve(arguments[0], io.BytesIO(payload + rest), sys.stdout.buffer, began_at)
        if arguments[:1] == [window.WORKER_VERB]:
            from docker_credential_harbor import sign_in_worker

            sign_in_worker.main(*arguments[1:])
            return 0
        from docker_credential_harbor import cli

        return cli.run(arguments)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return errors.EXIT_FAILURE
    except errors.Failure as failure:
        console.warn(str(failure))
        return failure.exit_status
    except Exception as fault:  # the last catch
        console.trace_exception(fault)
        console.warn(str(errors.Unexpected(reason=f"{type(fault).__name__}: {fault}")))
        if arguments == ["get"]:
            sys.stdout.write(errors.NOT_FOUND + "\n")
        return errors.EXIT_FAILURE


def _has_payload(verb: str) -> bool:
    return verb in ("get", "store", "erase")


if __name__ == "__main__":
    sys.exit(main())
