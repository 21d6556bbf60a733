"""Where a warm pair comes from if the kernel's keyring is closed: what was chosen, and what else could have been.

Run through tests/lab/closed_keyring.py, so that the keyring really is closed; prints JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from contextlib import closing, contextmanager
from pathlib import Path
from socket import AF_UNIX, socket
from typing import TYPE_CHECKING

from tests.bench.lab import BenchLab
from tests.bench.timing import Contestant, in_turns, median
from tests.lab.workplace import learn_life

if TYPE_CHECKING:
    from collections.abc import Iterator

BARE, IN_MEMORY = "bare python", "file in memory"
FROM_AGENT, FROM_STORE = "another process, by a socket (the reading alone)", "nothing remembered: store and one probe"
ASK_AGENT = "import _socket, sys; s = _socket.socket(1); s.connect(sys.argv[1]); s.send(b'h'); s.recv(4096)"


def measure(packaged: Path, python: Path, runs: int) -> dict[str, float]:
    """Medians in milliseconds, taken in turns."""
    command = [sys.executable, "-m", __name__, str(packaged), str(python), str(runs)]
    closed = [sys.executable, "-m", "tests.lab.closed_keyring", *command]
    found: dict[str, float] = json.loads(subprocess.run(closed, check=True, stdout=subprocess.PIPE).stdout)
    return found


def main(packaged: Path, python: Path, runs: int) -> None:
    """The same, inside."""
    with BenchLab(packaged) as lab, BenchLab(packaged) as other, agent() as address:
        lab.get()
        learn_life(lab.home)
        other.get()
        other.trust_nothing()
        environment, server = lab.warm_environment, lab.name.encode()
        bare = [str(python.resolve()), "-I", "-S", "-c"]
        contestants = [
            Contestant(BARE, [*bare, "pass"], environment),
            Contestant(IN_MEMORY, [str(packaged), "get"], environment, server),
            Contestant(FROM_AGENT, [*bare, ASK_AGENT, address], environment),
            Contestant(FROM_STORE, [str(packaged), "get"], dict(other.home.environment), other.name.encode()),
        ]
        times = in_turns(contestants, runs)
    print(json.dumps({name: median(values) for name, values in times.items()}))


@contextmanager
def agent() -> Iterator[str]:
    """A process that keeps a pair and hands it out, as ssh-agent does; here a thread."""
    with tempfile.TemporaryDirectory() as folder, closing(socket(AF_UNIX)) as listener:
        address = str(Path(folder) / "agent")
        listener.bind(address)
        listener.listen()

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(4096)
                    connection.sendall(b"x" * 700)

        threading.Thread(target=serve, daemon=True).start()
        yield address


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
