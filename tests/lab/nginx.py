"""A real nginx in front of a server of the lab, with its own defaults.

Source: nginx(8) and the documentation of ngx_http_core_module.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests

from tests.lab.keycloak import free_port
from tests.lab.processes import end, wait_for_start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INSTALL = "apt-get install nginx-light"
CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port}{tls};
    location / {{
      proxy_pass {upstream};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
    }}
  }}
}}
"""


def program() -> str | None:
    """Debian has it in a folder that is not on everybody's PATH."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


@contextmanager
def in_front_of(
    upstream_url: str, folder: Path, tls: tuple[str, str] | None = None, clients_of: Path | None = None
) -> Iterator[str]:
    """The address of one that passes everything on, as long as its headers fit into its buffers.

    `tls`: certificate and key file; `clients_of`: the authority that clients' certificates are from.
    """
    folder.mkdir()
    port = free_port()
    configuration, log = folder / "nginx.conf", folder / "nginx.log"
    listening = f" ssl; ssl_certificate {tls[0]}; ssl_certificate_key {tls[1]}" if tls else ""
    if clients_of:
        listening += f"; ssl_client_certificate {clients_of}; ssl_verify_client on"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port, upstream=upstream_url, tls=listening))
    command = [program() or "nginx", "-p", str(folder), "-e", str(log), "-c", str(configuration)]
    url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_start(process, lambda: _answers(url), log)
        yield url
    finally:
        end(process)


def _answers(url: str) -> bool:
    try:
        if url.startswith("https"):
            socket.create_connection(("127.0.0.1", urlsplit(url).port), 5).close()
            return True
        return requests.get(f"{url}/api/v2.0/systeminfo", timeout=5).ok
    except OSError:  # those of requests among it
        return False
