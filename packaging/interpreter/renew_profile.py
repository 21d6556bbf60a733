"""`make interpreter-profile`: writes profile.xz anew, from what a `get` runs of an interpreter that counts.

Needed after a new Python, a change of what is patched in it, or one of what a `get` imports: with an old profile it is
only less quick. LLVM's counting library and its `llvm-profdata` are Debian's; the compiler reads what older ones write.
Source: https://clang.llvm.org/docs/UsersManual.html, "Profile Guided Optimization".
"""

from __future__ import annotations

import lzma
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
PACKAGED = REPOSITORY / "dist" / "docker-credential-harbor"
LLVM = Path("/usr/lib/llvm-19")
HOW_TO_INSTALL = "apt-get install llvm-19 libclang-rt-19-dev"


def main(python_of_the_lab: str) -> None:
    merge = LLVM / "bin" / "llvm-profdata"
    libraries = sorted(LLVM.glob(f"lib/clang/*/lib/linux/libclang_rt.profile-{platform.machine()}.a"))
    if not (merge.exists() and libraries):
        raise SystemExit(f"LLVM's counting library is not here: {HOW_TO_INSTALL}")
    kept = Path(os.environ.get("INTERPRETER_FOLDER") or REPOSITORY / "build" / "interpreter").resolve()
    subprocess.run([sys.executable, str(HERE / "prepare.py"), "--counting", str(libraries[-1])], check=True)
    folder = REPOSITORY / "build" / "profile"
    shutil.rmtree(folder, ignore_errors=True)
    program = folder / PACKAGED.name / PACKAGED.name
    shutil.copytree(PACKAGED, program.parent)
    shutil.copy(kept / "counting" / "bin" / "python3", program)
    counts = folder / "counts"
    counts.mkdir()
    runs = [python_of_the_lab, "-m", "tests.bench.profiled_runs", str(program), str(counts)]
    subprocess.run(runs, cwd=REPOSITORY, check=True)
    merged = folder / "profile"
    subprocess.run([merge, "merge", "-o", merged, *sorted(counts.iterdir())], check=True)
    (HERE / "profile.xz").write_bytes(lzma.compress(merged.read_bytes(), preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    main(sys.argv[1])
