"""A file system without locks, as some network file systems are: a library before the C library whose flock fails.

Source: ld.so(8), LD_PRELOAD. Only for files below the folders that are named.
"""

import errno
import os
import shutil
import subprocess
from pathlib import Path

CODE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int flock(int file, int operation)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    char *folders = strdup(getenv("NO_LOCKS_BELOW"));
    for (char *folder = strtok(folders, ":"); folder; folder = strtok(NULL, ":"))
        if (!strncmp(path, folder, strlen(folder))) {
            free(folders);
            errno = atoi(getenv("NO_LOCKS_ERRNO"));
            return -1;
        }
    free(folders);
    return ((int (*)(int, int))dlsym(RTLD_NEXT, "flock"))(file, operation);
}
"""


def compiler() -> str | None:
    return shutil.which("gcc") or shutil.which("cc")


def variables(workshop: Path, *folders: Path | str, number: int = errno.ENOLCK) -> dict[str, str]:
    """What a process needs in its environment; `workshop` is where the library is made."""
    library = workshop / "no_locks.so"
    if not library.exists():
        program = compiler()
        assert program
        source = workshop / "no_locks.c"
        source.write_text(CODE)
        subprocess.run([program, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    below = ":".join(os.path.realpath(folder) for folder in folders)
    return {"LD_PRELOAD": str(library), "NO_LOCKS_BELOW": below, "NO_LOCKS_ERRNO": str(number)}
