"""Programs that come from the Go module proxy, by `go install`."""

import shutil
import subprocess


def on_path(name: str) -> str | None:
    """Where it is: on PATH, or where Go installs programs; None when there is none."""
    if found := shutil.which(name):
        return found
    go = shutil.which("go")
    if go is None:
        return None
    folders = subprocess.run([go, "env", "GOBIN", "GOPATH"], capture_output=True, text=True, check=True).stdout
    own, path = folders.split("\n")[:2]
    return shutil.which(name, path=own or f"{path}/bin")
