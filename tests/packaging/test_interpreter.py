"""The interpreter in the packages: compiled from the sources of the lock, for old systems, and kept."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import need
from tests.packaging.built import REPOSITORY

if TYPE_CHECKING:
    from tests.packaging.built import Built

INTERPRETER = REPOSITORY / "packaging" / "interpreter"
PREPARE = INTERPRETER / "prepare.py"
LOCK = json.loads((INTERPRETER / "sources.lock").read_text())
VERSIONS = {each["name"]: each["version"] for each in LOCK["packages"]}
SHOWS_VERSIONS = """\
import json, platform, ssl, zlib
print(json.dumps([platform.python_version(), ssl.OPENSSL_VERSION, zlib.ZLIB_VERSION]))
"""
OLDEST = (2, 28)
RHEL = {"8": "2.28", "9": "2.34"}  # its glibc


def upstream(version: str) -> str:
    """A source package's version without Debian's part of it."""
    return version.rpartition("-")[0].rpartition(":")[2].rpartition("really")[2]


class TestSources:
    def test_each_file_has_its_hash(self) -> None:
        for package in LOCK["packages"]:
            assert package["version"]
            names = sorted(package["files"])
            assert [name for name in names if name.endswith(".dsc")], package["name"]
            assert [name for name in names if ".orig.tar." in name], package["name"]
            assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in package["files"].values())

    @pytest.fixture
    def sources(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.syspath_prepend(INTERPRETER)
        import sources

        return sources

    def test_a_file_that_is_another_is_not_taken(self, sources: Any, tmp_path: Path) -> None:
        package = sources.Package("zlib", "1", {"a.dsc": hashlib.sha256(b"good").hexdigest()})
        assert not package.is_in(tmp_path)
        (tmp_path / "a.dsc").write_bytes(b"good")
        assert package.is_in(tmp_path)
        (tmp_path / "a.dsc").write_bytes(b"other")
        with pytest.raises(sources.SourceError, match=r"not the file in sources\.lock"):
            package.is_in(tmp_path)

    def test_what_is_not_served_any_more(self, sources: Any, tmp_path: Path) -> None:
        need("apt's list of Debian", "apt-get update", shutil.which("apt-get"))
        gone = sources.Lock(LOCK["suite"], (sources.Package("zlib", "0.1-1", {"zlib_0.1-1.dsc": "0"}),))
        with pytest.raises(sources.SourceError, match="make interpreter-lock"):
            gone.fetch(tmp_path)


class TestInterpreter:
    def test_it_is_made_from_the_lock(self, built: Built) -> None:
        python = built.work.parent / "package-venv" / "bin" / "python"
        shown = subprocess.run([python, "-I", "-c", SHOWS_VERSIONS], capture_output=True, text=True, check=True)
        version, openssl, zlib = json.loads(shown.stdout)
        assert version == upstream(VERSIONS["python3.13"])
        assert openssl.split()[1] == upstream(VERSIONS["openssl"])
        assert zlib == upstream(VERSIONS["zlib"])

    def test_it_is_compiled_once(self, built: Built) -> None:
        """The second time nothing is fetched or compiled: no compiler is on PATH, and no apt."""
        current = built.work.parent / "interpreter" / "current"
        before = current.resolve(strict=True)
        subprocess.run([sys.executable, PREPARE], env={**os.environ, "PATH": "/nowhere"}, check=True)
        assert current.resolve(strict=True) == before

    def test_no_file_needs_a_newer_glibc(self, built: Built) -> None:
        need("objdump", "apt-get install binutils", shutil.which("objdump"))
        for path in built.folder.rglob("*"):
            if path.is_file() and path.read_bytes()[:4] == b"\x7fELF":
                listed = subprocess.run(["objdump", "-T", path], capture_output=True, text=True, check=True).stdout
                versions = [tuple(map(int, each.split("."))) for each in re.findall(r"GLIBC_([0-9.]+)\b", listed)]
                assert max(versions, default=(0,)) <= OLDEST, path

    def test_no_path_of_the_build_machine_is_in_it(self, built: Built) -> None:
        machine = str(REPOSITORY).encode()
        for path in built.folder.rglob("*"):
            assert not (path.is_file() and machine in path.read_bytes()), path


class TestExecutable:
    """Which is the whole interpreter, and the product where the product's modules lie beside it."""

    SHOWS_ITSELF = """\
import sys
def main():
    import codecs, encodings
    seen = [sys.argv[1:], sys.path, sys.executable, sys.prefix, sys.frozen, sys.flags.isolated, sys.flags.no_site]
    print(repr([*seen, encodings.__path__, codecs.lookup("latin-1").name]))
    return 3
"""

    @pytest.fixture
    def program(self, built: Built, tmp_path: Path) -> Path:
        """One that shows itself."""
        package = tmp_path / "_internal" / "docker_credential_harbor"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(self.SHOWS_ITSELF)
        codecs = tmp_path / "_internal" / "encodings"
        codecs.mkdir()
        shutil.copy(built.folder / "_internal" / "encodings" / "latin_1.pyc", codecs)
        return Path(shutil.copy(built.program, tmp_path / "program"))

    def shown(self, folder: Path) -> str:
        inside = str(folder / "_internal")
        seen = [["a", "b"], [inside], str(folder / "program"), inside, True, 1, 1, [f"{inside}/encodings"], "iso8859-1"]
        return f"{seen!r}\n"

    def test_it_is_the_product(self, program: Path, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(program)
        done = subprocess.run([tmp_path / "link", "a", "b"], capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (3, self.shown(tmp_path), "")

    def test_interrupted_before_it_begins(self, program: Path) -> None:
        package = program.parent / "_internal" / "docker_credential_harbor"
        (package / "__main__.py").write_text("raise KeyboardInterrupt")
        done = subprocess.run([program], capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (130, "", "")

    def test_where_no_proc_is_mounted(self, program: Path, tmp_path: Path) -> None:
        need("root, for a mount", "run the tests as root", os.geteuid() == 0)
        command = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$0" a b', str(program)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (3, self.shown(tmp_path), "")

    def test_elsewhere_it_is_python(self, built: Built, tmp_path: Path) -> None:
        program = shutil.copy(built.program, tmp_path / "program")
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        assert said == f"Python {upstream(VERSIONS['python3.13'])}\n"

    def test_a_warm_get_opens_no_library_but_glibc(self, built: Built) -> None:
        need("objdump", "apt-get install binutils", shutil.which("objdump"))
        listed = subprocess.run(["objdump", "-p", built.program], capture_output=True, text=True, check=True).stdout
        needed = set(re.findall(r"NEEDED +(\S+)\.so", listed))
        assert needed <= {"libc", "libm", "libdl", "libpthread", "libutil", "ld-linux-x86-64", "ld-linux-aarch64"}
        assert not [*built.folder.rglob("_ctypes*.so"), *built.folder.rglob("libpython*")]

    def test_it_is_hardened(self, built: Built) -> None:
        """What image scanners look for, but for position independence."""
        need("readelf", "apt-get install binutils", shutil.which("readelf"))
        command = [
            "readelf",
            "--wide",
            "--file-header",
            "--program-headers",
            "--dynamic",
            "--dyn-syms",
            str(built.program),
        ]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert re.search(r"^ +GNU_RELRO ", listed, re.MULTILINE)
        assert "BIND_NOW" in listed, "so that all of it is read-only"
        assert re.search(r"^ +GNU_STACK .* RW +\S+$", listed, re.MULTILINE), "not executable"
        assert "__stack_chk_fail@" in listed
        assert "__memcpy_chk@" in listed


class TestRhel:
    """rpm's own check of dependencies, against a system that provides what that release's glibc does."""

    @pytest.mark.parametrize("glibc", [*RHEL.values()], ids=[f"RHEL {release}" for release in RHEL])
    def test_what_it_requires_is_there(self, built: Built, tmp_path: Path, glibc: str) -> None:
        assert self.refused(built, tmp_path, glibc) == ""

    def test_on_an_older_one_it_is_refused(self, built: Built, tmp_path: Path) -> None:
        assert "libc.so.6(GLIBC_2.28)(64bit) is needed" in self.refused(built, tmp_path, "2.27")

    def refused(self, built: Built, folder: Path, glibc: str) -> str:
        """What rpm says of the package where only glibc and libgcc are installed; nothing if it is content."""
        need("rpm", "apt-get install rpm", shutil.which("rpm"))
        minors = range(2, int(glibc.partition(".")[2]) + 1)
        provided = [f"libc.so.6(GLIBC_2.{minor})(64bit)" for minor in minors]
        description = {
            "name": "system", "arch": "amd64", "version": "1", "maintainer": "lab", "description": "lab",
            "provides": [*provided, "libc.so.6()(64bit)", "libgcc_s.so.1()(64bit)"],
        }  # fmt: skip
        (folder / "system.json").write_text(json.dumps(description))
        nfpm = built.work.parent / "package-venv" / "bin" / "nfpm"
        command = [
            str(nfpm),
            "package",
            "-f",
            str(folder / "system.json"),
            "-p",
            "rpm",
            "-t",
            str(folder / "system.rpm"),
        ]
        subprocess.run(command, check=True, capture_output=True)
        rpm = ["rpm", "--dbpath", str(folder / "rpmdb"), "--install", "--justdb", "--nosignature"]
        subprocess.run([*rpm, str(folder / "system.rpm")], check=True, capture_output=True)
        done = subprocess.run([*rpm, "--test", str(built.rpm)], capture_output=True, text=True)
        missing = [line for line in done.stderr.splitlines() if " is needed by " in line]
        assert bool(done.returncode) == bool(missing), done.stderr
        return "\n".join(missing)
