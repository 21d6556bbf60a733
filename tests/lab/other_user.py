"""What the helper keeps of another user in this machine's memory goes with the test that ran it as that user."""

import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
FOLDERS = (
    "/dev/shm/docker-credential-harbor-{}",
    "/dev/shm/docker-credential-harbor-locks-{}",
    "/tmp/docker-credential-harbor-locks-{}",
)
PURGE = f"""
import sys
sys.path.insert(0, {str(REPOSITORY)!r})
from tests.lab.sealed_home import NAME, purge_memory
purge_memory(f"{{NAME}}:")
"""


def leave_nothing(uid: int) -> None:
    """Takes its keys out of the kernel's keyrings, and its folders away. Only for root."""
    user = [f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    reads_all = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    subprocess.run(["setpriv", *user, *reads_all, sys.executable, "-c", PURGE], check=True)
    for folder in FOLDERS:
        shutil.rmtree(folder.format(uid), ignore_errors=True)
