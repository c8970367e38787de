"""What we lean on in Radicale. When one of these fails after an upgrade, `compat.py` is where to look."""

import inspect
import logging
import time
from typing import Any

import pytest
from radicale import auth, httputils, rights, storage, web
from radicale.app import Application
from radicale.item import Item

from bridge.storage_plugin.compat import METHODS, RoutedApplication

HANDLER = "(self, environ, base_prefix, path, user, user_groups, request_info)"

ITEM = (
    "(self, collection_path, collection, vobject_item, href, last_modified, text, etag, uid, name, "
    "component_name, time_range)"
)


def parameters(function: Any) -> str:
    return f"({', '.join(inspect.signature(function).parameters)})"


def test_radicale_routes_a_method_to_a_handler_of_its_name() -> None:
    theirs = {name for name in dir(Application) if name.startswith("do_")}
    assert {parameters(getattr(Application, name)) for name in theirs} == {HANDLER}
    assert theirs <= {f"do_{method}" for method in METHODS}, "a method of Radicale's own would answer past us"


def test_every_handler_is_ours() -> None:
    ours = {name: getattr(RoutedApplication, name) for name in dir(RoutedApplication) if name.startswith("do_")}
    assert set(ours) == {f"do_{method}" for method in METHODS}
    assert set(ours.values()) == {RoutedApplication._serve}


@pytest.mark.parametrize(
    ("function", "signature"),
    [
        (Application.__init__, "(self, configuration)"),
        (Application.__call__, "(self, environ, start_response)"),
        (Application._handle_request, "(self, environ)"),
        (auth.BaseAuth.__init__, "(self, configuration)"),
        (auth.BaseAuth.get_external_login, "(self, environ)"),
        (auth.BaseAuth._login, "(self, login, password)"),
        (auth.BaseAuth._sleep_for_constant_exec_time, "(self, time_ns_begin)"),
        (rights.BaseRights.authorization, "(self, user, user_groups, path)"),
        (storage.BaseStorage.discover, "(self, path, depth, child_context_manager, user_groups)"),
        (storage.BaseStorage.move, "(self, item, to_collection, to_href)"),
        (storage.BaseStorage.create_collection, "(self, href, items, props)"),
        (storage.BaseStorage.acquire_lock, "(self, mode, user, args, kwargs)"),
        (storage.BaseStorage.verify, "(self)"),
        (storage.BaseCollection.sync, "(self, old_token)"),
        (storage.BaseCollection.get_multi, "(self, hrefs)"),
        (storage.BaseCollection.get_all, "(self)"),
        (storage.BaseCollection.get_filtered, "(self, filters)"),
        (storage.BaseCollection.has_uid, "(self, uid)"),
        (storage.BaseCollection.upload, "(self, href, item)"),
        (storage.BaseCollection.delete, "(self, href)"),
        (storage.BaseCollection.get_meta, "(self, key)"),
        (storage.BaseCollection.set_meta, "(self, props)"),
        (web.BaseWeb.get, "(self, environ, base_prefix, path, user, user_groups, request_info)"),
        (
            Item.__init__,
            ITEM,
        ),
        (Item.serialize, "(self)"),
    ],
)
def test_what_we_override_or_call_has_the_signature_we_know(function: Any, signature: str) -> None:
    assert parameters(function) == signature


def test_the_storage_flags_that_let_any_path_through_are_still_there() -> None:
    for flag in ("collision_free", "unicode", "trailing_whitespace", "problematic_chars"):
        name = f"_{'is' if flag == 'collision_free' else 'supports'}_{flag}"
        assert getattr(storage.BaseStorage, name) is False


def test_not_allowed_is_what_radicale_turns_into_a_401(ask: Any) -> None:
    assert httputils.NOT_ALLOWED[0] == 403
    assert ask("PROPFIND", "/", user=None).status == 401


def test_no_failure_is_made_slower_than_it_is(ask: Any, store: Any) -> None:
    store.trouble["calendar"] = ValueError("a fault")
    began = time.perf_counter()
    statuses = [
        ask("PROPFIND", "/", user=None).status,
        ask("PROPFIND", "/", password="wrong").status,
        ask("PROPFIND", "/bob@example.com/").status,
        ask("PROPFIND", "/alice@example.com/calendar/", headers={"Depth": "0"}).status,
    ]
    assert statuses == [401, 401, 403, 500]
    assert time.perf_counter() - began < 0.4, "each of Radicale's own delays is at least half a second"


def test_one_slow_failed_login_does_not_slow_the_later_ones(
    app: Any, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    app._auth._failed_auth_delay = 4.0
    assert ask("PROPFIND", "/", password="wrong").status == 401
    assert slept == []


def test_radicale_logs_neither_passwords_nor_bodies(ask: Any, event: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="radicale"):
        ask("PUT", "/alice@example.com/calendar/a.ics", event(summary="Secret meeting"))
        ask("PROPFIND", "/", password="very wrong")
    assert caplog.records
    for secret in ("open sesame", "very wrong", "Secret meeting"):
        assert secret not in caplog.text
