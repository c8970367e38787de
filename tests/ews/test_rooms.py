"""Rooms, as Microsoft's samples tell them, and as servers without them do."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from bridge.errors import AccessDenied, ExchangeFailed
from bridge.ews.operations import get_room_lists, get_rooms
from bridge.ews.rooms import ask_rooms
from bridge.ews.xml import Element
from bridge.model import Address

SAMPLES = Path(os.environ["EXCHANGE_SCHEMAS"]) / "documented"


def sample(path: str) -> Element:
    body = etree.fromstring((SAMPLES / path).read_bytes()).find("{*}Body")
    assert body is not None
    return body[0]


def test_lists_and_rooms_are_read_from_the_documented_answers() -> None:
    assert get_room_lists.read(sample("GetRoomLists/resp-getroomlists-operation-1.xml")) == ("roomlist@contoso.com",)
    assert get_room_lists.read(sample("GetRoomLists/resp-getroomlists-operation-2.xml")) == ()
    rooms = get_rooms.read(sample("GetRooms/resp-getrooms-operation-1.xml"))
    assert [(room.address, room.display_name, room.kind) for room in rooms] == [
        ("room01@contoso.com", "Room01", "room"),
        ("room02@contoso.com", "Room02", "room"),
    ]
    assert get_rooms.read(sample("GetRooms/resp-getrooms-operation-2.xml")) == ()


def telling(lists: Element, rooms: dict[Address, Element]) -> Callable[[Element], Element]:
    def ask(request: Element) -> Element:
        if request.tag.endswith("GetRoomLists"):
            return lists
        return rooms[Address(request.findtext(".//{*}EmailAddress") or "")]

    return ask


def test_a_room_in_two_lists_is_told_once() -> None:
    lists = sample("GetRoomLists/resp-how-to-get-room-lists-by-using-ews-in-exchange-2.xml")
    same = sample("GetRooms/resp-getrooms-operation-1.xml")
    none = sample("GetRooms/resp-getrooms-operation-2.xml")
    addresses = [Address(f"bldg{number}rooms@contoso.com") for number in (1, 2, 3)]
    found = ask_rooms(telling(lists, dict(zip(addresses, (same, none, same), strict=True))))
    assert [room.display_name for room in found] == ["Room01", "Room02"]


@pytest.mark.parametrize("code", ["ErrorInvalidOperation", "ErrorSchemaValidation"])
def test_a_server_that_does_not_know_rooms_has_none(code: str) -> None:
    def ask(_: Element) -> Element:
        raise ExchangeFailed("no", code)

    assert ask_rooms(ask) == ()


@pytest.mark.parametrize(
    "error", [ExchangeFailed("no", "ErrorInternalServerError"), ExchangeFailed("no", "HTTP 502"), AccessDenied("no")]
)
def test_trouble_is_not_an_organisation_without_rooms(error: Exception) -> None:
    def ask(_: Element) -> Element:
        raise error

    with pytest.raises(type(error)):
        ask_rooms(ask)
