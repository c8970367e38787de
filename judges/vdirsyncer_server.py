"""The bridge among the servers that vdirsyncer's storage tests know; copied into its test suite."""

import os
from collections.abc import Awaitable, Callable
from typing import Any

import pytest


class ServerMixin:
    """Makes each test a calendar of its own."""

    @pytest.fixture
    def get_storage_args(
        self, slow_create_collection: Callable[..., Awaitable[Any]], aio_connector: Any
    ) -> Callable[..., Awaitable[Any]]:
        """Give what a test's storage is made of."""

        async def make(collection: str | None = "test") -> Any:
            arguments = {
                "url": os.environ["BRIDGE_URL"],
                "username": os.environ["BRIDGE_USER"],
                "password": os.environ["BRIDGE_PASSWORD"],
                "connector": aio_connector,
            }
            if collection is None:
                return arguments
            return await slow_create_collection(self.storage_class, arguments, collection)  # type: ignore[attr-defined]

        return make
