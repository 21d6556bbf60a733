"""How the interpreter is compiled: zlib, libffi and OpenSSL, then CPython with the modules that the product imports.

`zig cc` compiles against the symbols of an old glibc on a system with any other. No path of the build machine gets in:
each source is built in its own folder, for a prefix that nobody has, and finds its files from where it lies.
Source: the INSTALL and README files of each, zig's `zig cc --help`.
"""

from __future__ import annotations

import lzma
import os
import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

GLIBC = "2.28"  # RHEL 8's, the oldest that a workstation has
PREFIX = "/usr"
# Where Debian's OpenSSL looks for the system's certificates; trust_store.py knows of other systems.
CERTIFICATES = "/usr/lib/ssl"
# The rest of OpenSSL's algorithms that no TLS server asks for, and what is for programs that the product is none of.
WITHOUT = """
    apps argon2 aria async bf blake2 camellia cast cmac cmp cms comp ct des docs dsa dtls dynamic-engine ec2m engine
    gost http idea legacy makedepend md4 mdc2 ml-dsa module nextprotoneg ocb ocsp quic rc2 rc4 rc5 rfc3779 rmd160 scrypt
    seed siphash siv slh-dsa sm2 sm3 sm4 srp srtp ssl-trace ssl3 tests ts whirlpool
""".split()  # noqa: SIM905 - a paragraph is read sooner than a column
# What image scanners look for; zig's linker has RELRO, immediate binding and a stack that is not executable by itself.
HARDENED = "-fstack-protector-strong -D_FORTIFY_SOURCE=2"
LIBRARY = "libpython3.13.so.1.0"
MODULES = Path(__file__).with_name("modules.txt")
MAIN = Path(__file__).with_name("main.c")
# So that a start, and the classes of an import, take less.
QUICKER_START = Path(__file__).with_name("quicker_start.patch")
# What a `get` runs of Python, and how often (renew_profile.py): that is optimized for, and lies together.
PROFILE = Path(__file__).with_name("profile.xz")
SECTIONS = Path(__file__).with_name("sections.ld")
# Of Python itself a protected stack would take each get 2 %; what reads other people's bytes has it.
OPTIMIZED = "-DNDEBUG -fwrapv -O3 -fomit-frame-pointer -fno-stack-protector"
BY_PROFILE = "-fprofile-use=profile -Wno-profile-instr-unprofiled -Wno-profile-instr-out-of-date -Wno-backend-plugin"
# Of CPython's own tests, those of what is patched.
OWN_TESTS = ("test_dataclasses", "test_descr", "test_enum", "test_exceptions", "test_richcmp", "test_typing")
# What the standard library has that neither the product nor its build imports.
LEFT_OUT = ("__phello__", "curses", "idlelib", "pydoc_data", "sqlite3", "test", "tkinter", "turtledemo", "turtle.py")
NEVER_BUILT = shutil.ignore_patterns("__pycache__", *LEFT_OUT)

# PEP 600: pip asks it which wheels will do. By itself it takes those for the newest glibc that the build machine has.
ONLY_OLD_WHEELS = f"""\
def manylinux_compatible(major, minor, architecture):
    return (major, minor) <= ({GLIBC.replace(".", ", ")})
"""


@dataclass(frozen=True)
class Workshop:
    """Where sources lie unpacked and libraries for the next step; how the compiler is called."""

    folder: Path
    zig: Path
    machine: str  # that the interpreter is for, as `uname -m` has it
    python: Path | None = None  # for another machine than this: the interpreter that was compiled for this one
    counting: Path | None = None  # LLVM's library for an interpreter that counts what it runs, for a new profile

    @property
    def host(self) -> tuple[str, ...]:
        """Options that tell `configure` scripts of the other machine."""
        return (f"--host={self.machine}-linux-gnu", f"--build={platform.machine()}-linux-gnu") if self.python else ()

    @property
    def libraries(self) -> Path:
        """As if it was the root folder."""
        return self.folder / "root"

    def set_up(self) -> None:
        """The compiler under the names that `configure` scripts look for."""
        target = f"{self.machine}-linux-gnu.{GLIBC}"
        # Of itself zig adds checks and notes for debuggers. What belongs to every program it compiles anew for each
        # kind of optimization; so all have one, and so have those that `configure` tries. To zig -O3 is the same.
        cc = f'cc -target {target} -O2 {HARDENED} -fno-sanitize=undefined -g0 -Wno-date-time "$@"'
        for name, call in {"cc": cc, "ar": 'ar "$@"', "ranlib": 'ranlib "$@"'}.items():
            program = self.folder / "bin" / name
            program.parent.mkdir(exist_ok=True)
            program.write_text(f'#!/bin/sh\nexec "{self.zig}" {call}\n', encoding="utf-8")
            program.chmod(0o755)

    def run(self, source: str, *command: str, **environment: str) -> None:
        """One step in that source's folder, noted in its log. Raises SystemExit with the end of that."""
        log = self.folder / f"{source}.log"
        with log.open("ab") as file:
            done = subprocess.run(
                command, cwd=self.folder / source, env=self._environment() | environment, stdout=file, stderr=file
            )
        if done.returncode:
            end = log.read_text(encoding="utf-8", errors="replace")[-3000:]
            raise SystemExit(f"{end}\n{source}: {' '.join(command)} failed; the whole log is {log}")

    def _environment(self) -> dict[str, str]:
        """The same everywhere, but for where the compiler keeps what it has compiled."""
        cache = str(self.folder / "cache")
        names = {"CC": "cc", "AR": "ar", "RANLIB": "ranlib", "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": cache}
        places = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "TMPDIR": str(self.folder)}
        caches = {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache, "PKG_CONFIG": "false"}
        return names | places | caches | {"SOURCE_DATE_EPOCH": "315532800"}

    def make(self, source: str, *goals: str) -> None:
        self.run(source, "make", f"-j{os.cpu_count()}", *goals)


def build(shop: Workshop, into: Path) -> None:
    """The interpreter below a folder that is made for it; the sources lie in the workshop, under their short names."""
    shop.set_up()
    with ThreadPoolExecutor() as side_by_side:
        list(side_by_side.map(lambda library: library(shop), (_openssl, _libffi, _zlib)))
    _python(shop)
    _install(shop, into)


def _zlib(shop: Workshop) -> None:
    shop.run("zlib", "./configure", "--static", f"--prefix={PREFIX}", CFLAGS="-O3 -fPIC")
    shop.make("zlib", "libz.a")
    shop.run("zlib", "make", "install", f"DESTDIR={shop.libraries}")


def _libffi(shop: Workshop) -> None:
    shop.run("libffi", "autoreconf", "--force", "--install")
    options = ("--disable-shared", "--with-pic", "--disable-docs", "--disable-multi-os-directory")
    shop.run("libffi", "./configure", *shop.host, *options, f"--prefix={PREFIX}", CFLAGS="-O3")
    shop.make("libffi")
    shop.run("libffi", "make", "install", f"DESTDIR={shop.libraries}")


def _openssl(shop: Workshop) -> None:
    options = ("no-shared", "-fPIC", "-fvisibility=hidden", *(f"no-{each}" for each in WITHOUT))
    places = (f"--prefix={PREFIX}", "--libdir=lib", f"--openssldir={CERTIFICATES}")
    shop.run("openssl", "./Configure", f"linux-{shop.machine}", *options, *places)
    shop.make("openssl", "build_libs")
    shop.run("openssl", "make", "install_dev", f"DESTDIR={shop.libraries}")


def _python(shop: Workshop) -> None:
    """Its modules and libraries are in the executable, where a start finds them sooner than in files of their own."""
    root = f"{shop.libraries}{PREFIX}"
    options = ("--without-ensurepip", "--disable-test-modules", "--without-doc-strings", "--without-mimalloc")
    libraries = ("--with-system-libmpdec=no", f"--with-openssl={root}", "--with-openssl-rpath=no")
    source = shop.folder / "python3.13"
    shutil.copyfile(MODULES, source / "Modules" / "Setup.local")
    shutil.copyfile(MAIN, source / "Programs" / "python.c")
    (source / "profile").write_bytes(lzma.decompress(PROFILE.read_bytes()))
    shop.run("python3.13", "patch", "--strip=1", "--fuzz=0", "--input", str(QUICKER_START))
    shop.run("python3.13", sys.executable, "Tools/build/freeze_modules.py", "--frozen-modules")
    shop.run(
        "python3.13", "./configure", *_for_other_machine(shop), *options, *libraries, f"--prefix={PREFIX}",
        MODULE_BUILDTYPE="static", OPT=OPTIMIZED, CPPFLAGS=f"-I{root}/include", LDFLAGS=f"-L{root}/lib",
        LIBFFI_CFLAGS=f"-I{root}/include", LIBFFI_LIBS=f"{root}/lib/libffi.a",
        ZLIB_CFLAGS=f"-I{root}/include", ZLIB_LIBS=f"{root}/lib/libz.a",
    )  # fmt: skip
    if shop.counting:
        _make_counting(shop, shop.counting)
        return
    how = (f"OPT={OPTIMIZED} {BY_PROFILE}", f"LDFLAGS_NODIST=-Wl,--gc-sections -Wl,-s -Wl,-T,{SECTIONS}")
    if shop.python:
        shop.make("python3.13", "python", *how)
        return
    shop.make("python3.13", "python", "sharedmods", *how)
    shop.run("python3.13", "./python", "-m", "test", "-j0", *OWN_TESTS)
    # No product has it, but PyInstaller begins with it.
    shop.run(
        "python3.13", "cc", "-shared", "-o", LIBRARY, f"-Wl,-soname,{LIBRARY}",
        "-Wl,--no-undefined", "-Wl,--whole-archive", "libpython3.13.a", "-Wl,--no-whole-archive",
        *sorted(map(str, (source / "Modules" / "_hacl").glob("*.a"))),
        *(f"{root}/lib/lib{name}.a" for name in ("ssl", "crypto", "ffi", "z")),
        "-lm", "-ldl", "-lutil", "-lpthread",
    )  # fmt: skip


def _make_counting(shop: Workshop, library: Path) -> None:
    """What it counted it writes at its end, and that of the product is `_exit`."""
    file = shop.folder / "python3.13" / "Modules" / "posixmodule.c"
    writes = "    extern int __llvm_profile_write_file(void); __llvm_profile_write_file();\n    _exit(status);"
    file.write_text(file.read_text(encoding="utf-8").replace("    _exit(status);", writes, 1), encoding="utf-8")
    linked = f"LDFLAGS_NODIST=-Wl,--whole-archive {library} -Wl,--no-whole-archive"
    shop.make("python3.13", "python", f"OPT={OPTIMIZED} -fprofile-generate", linked)


def _for_other_machine(shop: Workshop) -> tuple[str, ...]:
    """What modules are frozen by, and the answers that `configure` gets by running programs."""
    if shop.python is None:
        return ()
    answers = ("ac_cv_file__dev_ptmx=yes", "ac_cv_file__dev_ptc=no", "ac_cv_buggy_getaddrinfo=no")
    return (*shop.host, f"--with-build-python={shop.python}", *answers)


def _install(shop: Workshop, into: Path) -> None:
    """What runs a program and a virtual environment; nothing is compiled against it. Of another machine's interpreter
    nobody needs more than the executable: the modules are the same.
    """
    source = shop.folder / "python3.13"
    (into / "bin").mkdir(parents=True)
    shutil.copy(source / "python", into / "bin" / "python3")
    if shop.python or shop.counting:
        return
    library = into / "lib" / "python3.13"
    shutil.copytree(source / "Lib", library, ignore=NEVER_BUILT)
    shutil.copyfile(source / "LICENSE", library / "LICENSE.txt")
    built = source / (source / "pybuilddir.txt").read_text(encoding="ascii").strip()
    (library / "lib-dynload").mkdir()
    for module in built.glob("*.so"):
        shutil.copy(module, library / "lib-dynload")
    shutil.copy(next(built.glob("_sysconfigdata_*.py")), library)
    shutil.copy(source / LIBRARY, into / "lib")
    (library / "_manylinux.py").write_text(ONLY_OLD_WHEELS, encoding="ascii")
