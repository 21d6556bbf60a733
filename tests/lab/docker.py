"""A real Docker engine and a real registry behind the stand-in Harbor.

Source: dockerd's and the distribution project's reference pages. Networks are off: only pushing and pulling is of use.
"""

import io
import json
import os
import re
import secrets
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import requests

from tests.lab.harbor.tokens import ISSUER, SERVICE, Signer
from tests.lab.processes import PartError, end, tail, wait_for_start


def missing_engine() -> list[str]:
    """The programs of the engine that are not on this machine."""
    return [name for name in ("docker", "dockerd", "containerd") if shutil.which(name) is None]


def missing_registry() -> list[str]:
    """The program of the registry, if it is not on this machine."""
    return [name for name in ("docker-registry",) if shutil.which(name) is None]


class DockerEngine:
    """A dockerd of its own; loopback registries are plain http to it by default.

    It picks its storage driver: overlay2, where that works, copies no image for each step of a build.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", home: Path, host: str) -> None:
        self._process = process
        self._home = home
        self.host = host

    @classmethod
    def start(cls, folder: Path) -> "DockerEngine":
        """Takes about a second. Only the log lies in `folder`: sockets need shorter paths than tests have."""
        home = Path(tempfile.mkdtemp(prefix="dkr-"))
        host = f"unix://{home}/docker.sock"
        switches = ["--iptables=false", "--ip6tables=false", "--bridge=none", "-H", host]
        places = ["--data-root", str(home / "d"), "--exec-root", str(home / "e"), "--pidfile", str(home / "pid")]
        log = folder / "dockerd.log"
        own = {**os.environ, "TMPDIR": str(home)}  # where a containerd that is slow to answer writes its stacks
        with log.open("wb") as output:
            process = subprocess.Popen(["dockerd", *switches, *places], env=own, stdout=output, stderr=output)
        engine = cls(process, home, host)
        try:
            wait_for_start(process, lambda: engine.run("version").returncode == 0, log)
        except PartError:
            engine.close()
            raise
        return engine

    def run(
        self,
        *arguments: str,
        config: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        timeout: float = 120,
    ) -> "subprocess.CompletedProcess[str]":
        """The docker CLI with this engine. `env` replaces the environment; `config` is the folder of config.json."""
        environment = self.environment if env is None else {**env, "DOCKER_HOST": self.host}
        if config is not None:
            environment["DOCKER_CONFIG"] = str(config)
        done = subprocess.run(
            ["docker", *arguments], env=environment, input=stdin, capture_output=True, timeout=timeout, check=False
        )
        texts = (done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
        return subprocess.CompletedProcess(done.args, done.returncode, *texts)

    @property
    def environment(self) -> dict[str, str]:
        """For a program that runs docker: this engine, and nobody's configuration."""
        return {**os.environ, "DOCKER_HOST": self.host, "DOCKER_CONFIG": str(self._home / "no-config")}

    def import_image(self, reference: str, size_bytes: int = 1024) -> None:
        """An image of one random file, so that no two are alike."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            entry = tarfile.TarInfo("file")
            entry.size = size_bytes
            tar.addfile(entry, io.BytesIO(secrets.token_bytes(size_bytes)))
        done = self.run("import", "-", reference, stdin=archive.getvalue())
        if done.returncode:
            raise PartError(f"docker import: {done.stderr}")

    def forget_image(self, reference: str) -> None:
        """Removes an image, so that the next pull has to fetch it."""
        self.run("rmi", "-f", reference)

    def close(self) -> None:
        """Ends the engine; its containerd goes with it."""
        end(self._process)
        for namespace in self._home.glob("e/netns/*"):  # of containers: dockerd leaves them mounted
            subprocess.run(["umount", namespace], capture_output=True)
        shutil.rmtree(self._home, ignore_errors=True)

    def __enter__(self) -> "DockerEngine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Registry:
    """A docker-registry that takes the tokens of Harbor's signer; `url` is what Harbor passes requests on to."""

    def __init__(self, process: "subprocess.Popen[bytes]", url: str) -> None:
        self._process = process
        self.url = url

    @classmethod
    def start(cls, folder: Path, signer: Signer, harbor_url: str) -> "Registry":
        """Takes about 0.1 s. Tokens come from Harbor's own host and port, so Harbor is started first."""
        bundle = folder / "signer.crt"
        bundle.write_bytes(signer.certificate_pem)
        token = {"realm": f"{harbor_url}/service/token", "service": SERVICE, "issuer": ISSUER}
        settings = {
            "version": 0.1,
            "log": {"level": "info", "formatter": "text"},
            "storage": {"filesystem": {"rootdirectory": str(folder / "registry")}, "delete": {"enabled": True}},
            "http": {"addr": "127.0.0.1:0"},
            "auth": {"token": {**token, "rootcertbundle": str(bundle)}},
        }
        file, log = folder / "registry.yml", folder / "registry.log"
        file.write_text(json.dumps(settings))  # JSON is YAML too
        with log.open("wb") as output:
            process = subprocess.Popen(["docker-registry", "serve", str(file)], stdout=output, stderr=output)
        wait_for_start(process, lambda: _answers(log), log)
        return cls(process, _listening(log))

    def close(self) -> None:
        """Ends the registry."""
        end(self._process)

    def __enter__(self) -> "Registry":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _listening(log: Path) -> str:
    """The address that the registry wrote into its log; empty while there is none."""
    found = re.search(r"listening on (127\.0\.0\.1:\d+)", tail(log, 100_000))
    return f"http://{found[1]}" if found else ""


def _answers(log: Path) -> bool:
    url = _listening(log)
    try:
        return bool(url) and requests.get(f"{url}/v2/", timeout=5).status_code == 401
    except requests.RequestException:
        return False
