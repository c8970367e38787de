"""A real nginx in front of the bridge, configured by the examples of docs/admin.md."""

import os
import re
import socket
import subprocess
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from bridge.simulator.certificate import make_certificate

from bridged import ANN, PASSWORD, Bridged

ADMIN = Path(__file__).parents[2] / "docs" / "admin.md"
AROUND = """
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{server}
}}
"""


@dataclass(frozen=True)
class Proxied:
    """A bridge as the world sees it: its root at the proxy, ending with a slash, and whom to trust."""

    root: str
    ca_file: str

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self.root[: self.root.index("/", len("https://"))]

    @property
    def prefix(self) -> str:
        """What stands before the bridge's own paths, without a slash at its end."""
        return self.root[len(self.origin) : -1]

    def ask(
        self,
        method: str,
        path: str,
        body: Any = b"",
        *,
        login: tuple[str, str] | None = (ANN, PASSWORD),
        **headers: str,
    ) -> requests.Response:
        """Send a request as Ann; ``path`` is the bridge's own, or begins with https. An iterator is sent chunked."""
        url = path if path.startswith("https:") else self.root + path
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(
            method, url, data=body, headers=sent, auth=login, verify=self.ca_file, allow_redirects=False, timeout=60
        )


def examples() -> tuple[str, str]:
    """Give the two examples of the documentation: a server, and the locations for a prefix."""
    server, below = re.findall(r"^```nginx\n(.*?)^```$", ADMIN.read_text(), re.DOTALL | re.MULTILINE)
    return server, below


@contextmanager
def proxied(
    nginx: str, bridge: Bridged, folder: Path, *, below_prefix: bool = False, more: str = ""
) -> Iterator[Proxied]:
    """Run nginx before a bridge, at the root or below a prefix, with further directives in the server's block."""
    certificate = make_certificate(folder, "localhost")
    server, below = examples()
    path = "/"
    if below_prefix:
        found = re.search(r"location (/\S+/) \{", below)
        assert found
        path = found[1]
        server = server.partition("    location / {")[0] + textwrap.indent(textwrap.dedent(below), "    ") + "}\n"
    port = _free_port()
    for there, here in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;\n{more}"),
        ("/etc/ssl/certs/calendar.example.org.pem", f"{folder}/server.pem"),
        ("/etc/ssl/private/calendar.example.org.key", f"{folder}/server.pem"),
        ("http://127.0.0.1:5232", bridge.url.rstrip("/")),
    ):
        assert server.count(there) == 1, f"docs/admin.md does not say once: {there}"
        server = server.replace(there, here)
    config = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""  # else its workers are nobody's, who may not read pytest's folders
    config.write_text(AROUND.format(user=user, folder=folder, server=server))
    control = [nginx, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(config)]
    subprocess.run(control, check=True, timeout=60)  # it ends once its daemon listens
    try:
        yield Proxied(f"https://localhost:{port}{path}", str(certificate.ca_file))
    finally:
        subprocess.run([*control, "-s", "stop"], check=True, timeout=60)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
