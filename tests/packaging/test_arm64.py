"""The packages for arm64, where `make package-arm64` has made them or RELEASES=all asks for them: what is in them, and
used in a Debian 11 for arm64.

Their programs run under qemu's emulator of user space, which knows no kernel keyrings: there the warm `get` is answered
from the store.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.conftest import need
from tests.lab import arm64
from tests.lab.sealed_home import NAME
from tests.packaging.built import REPOSITORY
from tests.packaging.conftest import debian_of
from tests.packaging.test_debian import assert_set_up_signed_in_and_warm, assert_that_it_serves_docker, run_in
from tests.packaging.test_other_packages import output

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import MakeWorkplace
    from tests.lab.debian_root import DebianRoot
    from tests.lab.sealed_home import Helper, Home
    from tests.packaging.built import Built

pytestmark = pytest.mark.skipif(
    os.environ.get("RELEASES") != "all" and not (REPOSITORY / "dist" / "aarch64").exists(),
    reason="after `make package-arm64`, or with RELEASES=all: minutes of a compiler",
)
OLDEST = (2, 28)


def is_elf(path: Path) -> bool:
    return path.is_file() and path.read_bytes()[:4] == b"\x7fELF"


class TestContents:
    def test_all_machine_code_is_for_arm64_and_an_old_glibc(self, built_arm64: Built) -> None:
        programs = [path for path in built_arm64.folder.rglob("*") if is_elf(path)]
        assert len(programs) > 1
        for path in programs:
            assert "AArch64" in output("readelf", "--file-header", path), path
            asked = re.findall(r"Name: GLIBC_([0-9.]+)\b", output("readelf", "--version-info", path))
            assert max([tuple(map(int, each.split("."))) for each in asked], default=(0,)) <= OLDEST, path

    def test_the_modules_are_those_of_the_other_package(self, built: Built, built_arm64: Built) -> None:
        def modules(made: Built) -> dict[str, bytes]:
            files = [path for path in made.folder.rglob("*") if path.is_file() and not is_elf(path)]
            return {str(path.relative_to(made.folder)): path.read_bytes() for path in files}

        assert modules(built) == modules(built_arm64)

    def test_both_packages_and_the_archive_say_so(self, built_arm64: Built) -> None:
        assert output("dpkg-deb", "--field", built_arm64.deb, "Architecture") == "arm64\n"
        assert output("rpm", "-qp", "--queryformat", "%{ARCH}", built_arm64.rpm) == "aarch64"
        assert built_arm64.archive.name.endswith("-linux-aarch64.tar.gz")
        checked = output("sha256sum", "--check", "SHA256SUMS", cwd=built_arm64.dist)
        assert checked.count(": OK") == 4


@pytest.fixture(scope="module")
def root(built_arm64: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DebianRoot]:
    need("qemu-user-static", arm64.INSTALL, arm64.DESCRIPTION.exists())
    copied = debian_of("bullseye", "arm64").copy(tmp_path_factory.mktemp("arm64") / "root")
    shutil.copy(built_arm64.deb, copied.path / "tmp" / "new.deb")
    with arm64.emulated():
        copied.must("dpkg", "--force-depends", "--install", "/tmp/new.deb")  # the rest is unpacked, not configured
        yield copied
    shutil.rmtree(copied.path)


@pytest.fixture
def helper(home: Home, root: DebianRoot, tmp_path: Path) -> Helper:
    return run_in(root, home, tmp_path)


def test_it_is_another_machine_in_there(root: DebianRoot) -> None:
    assert root.must("uname", "-m") == "aarch64\n"


def test_dpkg_has_installed_it(root: DebianRoot) -> None:
    shown = root.must("dpkg-query", "--show", "--showformat=${Status} ${Architecture}", NAME)
    assert shown == "install ok installed arm64"


def test_it_serves_docker(root: DebianRoot) -> None:
    assert root.must(NAME, "--version").startswith(f"{NAME} ")
    assert_that_it_serves_docker(root)


def test_set_up_signed_in_and_warm(make_workplace: MakeWorkplace) -> None:
    """With a real Keycloak and a browser, until a `get` asks nobody."""
    assert_set_up_signed_in_and_warm(make_workplace(top="login_timeout = 300\ntimeout = 60"))


def test_the_system_calls_of_the_warm_get_are_asked_for_by_arms_numbers(root: DebianRoot, home: Home) -> None:
    """The emulator names each call by its number, and says that it has no keyrings."""
    program = root.path / "usr" / "lib" / NAME / NAME
    stored = {"ServerURL": "registry.example.com", "Username": "u", "Secret": "s"}
    emulator = ["qemu-aarch64-static", "-L", str(root.path)]
    environment = {**home.environment, "DOCKER_CREDENTIAL_HARBOR_STORAGE": "file"}
    for verb, payload in (("store", json.dumps(stored)), ("get", "registry.example.com")):
        done = subprocess.run(
            [*emulator, "-strace", str(program), verb], input=payload, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == stored
    assert re.search(r"\bprctl\(4,0,", done.stderr), "not to be dumped"
    assert re.search(r"\bkeyctl\(10,-4,.*errno=38", done.stderr), "the session keyring, asked for and not known"
