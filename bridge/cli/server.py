"""The bridge under gunicorn: a master that only watches, and workers that build a service each, after the fork.

Every worker has many threads of the kind ``gthread``: requests that wait for Exchange or for the disk cost a thread
and nothing else. Connections between two requests wait in the worker's poller, not in a thread.
"""

import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from bridge.config import Listen, Settings
from bridge.errors import BridgeError, Unavailable
from bridge.service import Service, build, prepare
from bridge.storage_plugin.application import make_application

SWITCH_INTERVAL = 0.001
"""Seconds after which a thread that computes lets another one go on (default 0.005): a pull slows readers less."""
GRACE = 25
"""Seconds that running requests have at the end; below systemd's 90 and Kubernetes' 30."""
START_TRIES, START_PAUSE = 20, 0.5
"""How often a worker tries to open its stores, and the seconds between: less than gunicorn waits for it, 30 s."""
KEEP_ALIVE = 75
"""Seconds a connection waits for its next request: longer than the proxy in front (nginx: 60)."""


class Server(BaseApplication):
    """gunicorn, configured by our settings instead of its own command line."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        """Take the settings, and who is told the URL once the first worker answers."""
        self._settings = settings
        self._say = say
        self._service: Service | None = None
        super().__init__()  # type: ignore[no-untyped-call]  # gunicorn has no types

    def load_config(self) -> None:
        """Fill in gunicorn's settings."""
        configuration: Any = self.cfg
        server = self._settings.server
        chosen = {
            "bind": [str(server.listen)],
            "workers": server.workers,
            "worker_class": "gthread",
            "threads": server.threads,
            "keepalive": KEEP_ALIVE,
            "graceful_timeout": GRACE,
            "limit_request_line": 8190,
            "loglevel": "warning",
            "proc_name": "exchange-bridge",
            "control_socket_disable": True,
            "post_fork": self._bind,
            "post_worker_init": self._ready,
            "worker_exit": self._close,
        }
        for name, value in chosen.items():
            configuration.set(name, value)

    def load(self) -> Any:
        """Give the WSGI application; called in each worker."""
        sys.setswitchinterval(SWITCH_INTERVAL)
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        logging.getLogger("bridge").setLevel(logging.INFO)
        logging.getLogger("radicale").disabled = True  # it names paths and user names; what matters, bridge.* tells
        try:
            self._service = build_patiently(self._settings)
        except BridgeError as error:
            click.echo(str(error), err=True)
            sys.exit(Arbiter.APP_LOAD_ERROR)
        return make_application(self._service)

    def _bind(self, _arbiter: Any, worker: Any) -> None:
        """Note the port that was taken where any would do: links into the bridge name it."""
        name = worker.sockets[0].getsockname()
        server = self._settings.server
        if server.listen.port == 0 and isinstance(name, tuple):
            self._settings = replace(self._settings, server=replace(server, listen=Listen(*name[:2])))

    def _ready(self, worker: Any) -> None:
        if worker.age == 1:
            name = worker.sockets[0].getsockname()  # a path, where systemd gave us a Unix socket
            self._say(f"http://{Listen(*name[:2])}/" if isinstance(name, tuple) else str(name))

    def _close(self, _arbiter: Any, _worker: Any) -> None:
        if self._service:
            self._service.close()


def build_patiently(settings: Settings) -> Service:
    """Build the service, again where a store cannot be opened at this moment: a worker that gives up ends them all.

    So it is when the mirror is deleted while a worker starts. Raises as `build` does, in the end Unavailable too.
    """
    for _ in range(START_TRIES - 1):
        try:
            return build(settings)
        except Unavailable as error:
            logging.getLogger("bridge.cli").warning("tried again: %s", error)
            time.sleep(START_PAUSE)
    return build(settings)


def run(settings: Settings, say: Callable[[str], None]) -> None:
    """Serve until a signal ends it; ``say`` is told the URL once requests are answered.

    Raises ClickException where the address is taken, ConfigurationInvalid where the state folder or the key file
    cannot be used, SystemExit when it ends.
    """
    if "LISTEN_FDS" not in os.environ:
        check_free(settings.server.listen)
    prepare(settings)
    master = os.getpid()
    try:
        Server(settings, say).run()  # type: ignore[no-untyped-call]  # gunicorn has no types
    except SystemExit as end:
        if os.getpid() != master:
            # A worker is a fork: what is to be cleaned up around this call is the master's.
            sys.stdout.flush()
            os._exit(end.code if isinstance(end.code, int) else 0)
        raise


def check_free(listen: Listen) -> None:
    """Raise ClickException with a sentence where nobody can listen there."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listen.host, listen.port))
        except OSError as error:
            reason = error.strerror or str(error)
            advice = "Choose another port, or stop the program that has it."
            raise click.ClickException(f"Cannot listen on {listen}: {reason.lower()}. {advice}") from error
