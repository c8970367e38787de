"""The plugins as Radicale's own command builds them: from its configuration, which names ours.

::

    [storage]
    type = bridge.storage_plugin
    config = /etc/exchange-bridge.toml

and the same ``type`` for ``[auth]``, ``[rights]`` and ``[web]``. Without ``config`` the environment variable
EXCHANGE_BRIDGE_CONFIG names the file.
"""

import atexit
import os
import threading
from functools import cache
from pathlib import Path

from radicale import config as radicale_config

from bridge.config import Settings, find, load
from bridge.service import Service, build
from bridge.storage_plugin.plugins import BridgeAuth, BridgeRights, BridgeStorage, BridgeWeb

_SCHEMA = {"storage": {"config": {"value": "", "type": str}}}


class Auth(BridgeAuth):
    """Logs in at Exchange."""

    def __init__(self, configuration: radicale_config.Configuration) -> None:
        """Take Radicale's configuration. Raises ConfigurationInvalid for mistakes in ours."""
        super().__init__(configuration, _service_of(configuration))


class Rights(BridgeRights):
    """Everyone reads below his own address."""


class Storage(BridgeStorage):
    """Shows Exchange's calendars, read only."""

    def __init__(self, configuration: radicale_config.Configuration) -> None:
        """Take Radicale's configuration. Raises ConfigurationInvalid for mistakes in ours."""
        super().__init__(configuration, _service_of(configuration))


class Web(BridgeWeb):
    """Shows the front page."""

    def __init__(self, configuration: radicale_config.Configuration) -> None:
        """Take Radicale's configuration. Raises ConfigurationInvalid for mistakes in ours."""
        super().__init__(configuration, _service_of(configuration))


class _Lazily:
    """Builds the service at the first call: Radicale has started its threads by then."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._service: Service | None = None

    def __call__(self) -> Service:
        """Give the service."""
        with self._lock:
            if self._service is None:
                self._service = build(self._settings)
                atexit.register(self._service.close)
            return self._service


def _service_of(configuration: radicale_config.Configuration) -> _Lazily:
    named = configuration.copy(_SCHEMA).get("storage", "config")
    return _service_from(find(named or None, os.environ))


@cache
def _service_from(path: Path) -> _Lazily:
    """Give the one service of a configuration file: three plugins share it."""
    return _Lazily(load(path))
