"""Programs that draw over the lines of others: Docker's own BuildKit, buildx and compose.

buildx and compose 2 are no Debian packages, and take minutes to be built:
``go install github.com/docker/buildx/cmd/buildx@v0.38.2``; compose from its own folder, since its go.mod has excludes.
"""

import os
import shlex
import shutil
from pathlib import Path

PLACES = (
    Path.home() / "go" / "bin",
    Path.home() / ".docker" / "cli-plugins",
    Path("/usr/libexec/docker/cli-plugins"),
    Path("/usr/lib/docker/cli-plugins"),
)
# Of Docker 20.10, which draws BuildKit's progress itself; later ones leave that to buildx.
DEBIANS_DOCKER = Path("/usr/bin/docker")


def plugin(name: str) -> Path | None:
    """Where the plugin of that name is: "buildx" or "compose"."""
    found = [place / f"docker-{name}" for place in PLACES]
    return next((path for path in found if os.access(path, os.X_OK)), None)


def install(name: str, docker_config: Path) -> None:
    """For whoever has that folder of config.json."""
    source = plugin(name)
    assert source
    folder = docker_config / "cli-plugins"
    folder.mkdir(exist_ok=True)
    installed = folder / source.name
    if name != "buildx":
        shutil.copy2(source, installed)
        return
    # Built by `go install` it knows no version of its own, and compose asks which one it is.
    told = '{"SchemaVersion": "0.1.0", "Vendor": "Docker Inc.", "Version": "v0.38.2"}'
    installed.write_text(f"""#!/bin/sh
[ "$1" = docker-cli-plugin-metadata ] && exec echo '{told}'
exec {shlex.quote(str(source))} "$@"
""")
    installed.chmod(0o755)
