"""The one way in: the warm `get`, else Docker's verbs, else the commands for people. No traceback leaves here.

The warm `get` is called for every registry in every pull. It is one straight line that imports next to nothing, and
whatever is unusual about a request goes the long way, which gives the same answer.
"""

import sys

from docker_credential_harbor.warm_get.bare_os import calls, variable

MAXIMUM_WARM_PAYLOAD = 4096
TRACE_VARIABLE = b"DOCKER_CREDENTIAL_HARBOR_TRACE"


def main() -> int:
    """Runs what the arguments ask for and returns the exit status."""
    import time

    began_at = time.time()
    _without_core_dumps()
    arguments = sys.argv[1:]
    payload = b""
    try:
        if arguments == ["get"] and variable(TRACE_VARIABLE) is None:
            payload = _payload()
            answer = _warm_answer(payload)
            if answer:
                calls.write(1, answer)
                calls._exit(0)  # noqa: SLF001 - nothing is open or buffered, and Python's own end takes as long as all this
    except Exception:  # noqa: S110 - streams that are closed or full, …: the long way has the words for it
        pass
    except KeyboardInterrupt:
        return 130
    status = _long_way(arguments, payload, began_at)
    if arguments == ["get"]:
        _end_at_once(status)
    return status


def _end_at_once(status: int) -> None:
    """All output is out, and Python would take all modules apart first: a twelfth of the time of a `get` that asks."""
    disk_room = sys.modules.get("docker_credential_harbor.system.disk_room")
    if disk_room:
        disk_room.give_back_all()
    calls._exit(status)  # noqa: SLF001


def _without_core_dumps() -> None:
    """A crash must not write secrets to a disk. On Linux programs that are started are not concerned; elsewhere their
    own limit can be raised again, and what is opened by the system's own call does not inherit it.
    """
    try:
        if sys.platform == "linux":
            from docker_credential_harbor.warm_get import kernel_keys

            kernel_keys.close_memory()
            return
    except (ImportError, OSError):  # a Python that was built otherwise
        pass
    try:
        if sys.platform != "win32":
            import resource

            resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    except (ImportError, OSError, ValueError):
        pass


def _payload() -> bytes:
    """Standard input to its end (half a URL may name another server), or the beginning of what is too long."""
    payload = b""
    while len(payload) <= MAXIMUM_WARM_PAYLOAD:
        part = calls.read(0, MAXIMUM_WARM_PAYLOAD + 1)
        if not part:
            break
        payload += part
    return payload


def _warm_answer(payload: bytes) -> bytes | None:
    """The answer from what is remembered; None: go the long way."""
    from docker_credential_harbor.warm_get import remembered, server_url

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
    import gc

    gc.disable()  # a run is short, and its imports leave nothing to be collected
    from docker_credential_harbor.system import known_code

    known_code.use()
    from docker_credential_harbor.system import put_off

    put_off.import_standard_library()
    from docker_credential_harbor import errors
    from docker_credential_harbor.system import console, redaction

    _keep_stream_numbers()
    try:
        status = _carry_out(arguments, payload, began_at)
    except KeyboardInterrupt:
        status = 130
    except SystemExit as end:  # of argparse, which has said everything
        status = end.code if isinstance(end.code, int) else errors.EXIT_USAGE
    except BrokenPipeError:
        status = errors.EXIT_FAILURE
    except errors.Failure as failure:
        console.tell(failure)
        status = failure.exit_status
    except Exception as fault:  # the last catch
        from docker_credential_harbor.system import libraries

        console.trace_exception(fault)
        unexpected = libraries.unusable(fault) or errors.Unexpected(reason=f"{type(fault).__name__}: {fault}")
        console.tell(unexpected)
        if arguments[:1] in (["get"], ["store"], ["erase"], ["list"]) and sys.stdout is not None:
            sys.stdout.write((errors.NOT_FOUND if arguments == ["get"] else redaction.redact(str(unexpected))) + "\n")
        status = errors.EXIT_FAILURE
    return _with_output_written(status)


def _carry_out(arguments: list[str], payload: bytes, began_at: float) -> int:
    import io

    from docker_credential_harbor.entry import docker_protocol

    if len(arguments) == 1 and arguments[0] in docker_protocol.VERBS:
        if _has_payload(arguments[0]) and sys.stdin is not None:
            payload += sys.stdin.buffer.read(docker_protocol.MAXIMUM_PAYLOAD + 1)
        output = None if sys.stdout is None else sys.stdout.buffer
        return docker_protocol.serve(arguments[0], io.BytesIO(payload), output, began_at)
    from docker_credential_harbor.sign_in import window

    if arguments[:1] == [window.WORKER_VERB]:
        from docker_credential_harbor.sign_in import worker

        worker.main(*arguments[1:])
        return 0
    from docker_credential_harbor.entry import command_line
    from docker_credential_harbor.system import libraries  # noqa: F401 - the last catch may have no file left to open

    return command_line.run(arguments)


def _has_payload(verb: str) -> bool:
    return verb in ("get", "store", "erase")


def _keep_stream_numbers() -> None:
    """Where a caller closed one of the three streams, no file of ours must get its number."""
    import os

    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _with_output_written(status: int) -> int:
    """The exit status once all output is out. Python would try again at its end, and complain in words of its own."""
    import os

    from docker_credential_harbor import errors
    from docker_credential_harbor.system import console, time_limit

    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as fault:
        if not isinstance(fault, BrokenPipeError) and status == 0:
            console.tell(errors.OutputNotWritten(reason=(fault.strerror or "unknown").lower()))
        _discard(1)
        status = status or errors.EXIT_FAILURE
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except OSError:  # what could not be said changes nothing of the answer
        _discard(2)
    if time_limit.calls_run_on() or sys.flags.inspect:  # PYTHONINSPECT: Python would go on, with a prompt
        os._exit(status)
    return status


def _discard(stream_number: int) -> None:
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), stream_number)


if __name__ == "__main__":
    sys.exit(main())
