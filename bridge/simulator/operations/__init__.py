"""The operations, one file each; `OPERATIONS` is all the simulator can do."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bridge.simulator.call import Call
from bridge.simulator.operations.convert_id import convert_id
from bridge.simulator.operations.create_attachment import create_attachment
from bridge.simulator.operations.create_folder import create_folder
from bridge.simulator.operations.create_item import create_item
from bridge.simulator.operations.delete_attachment import delete_attachment
from bridge.simulator.operations.delete_folder import delete_folder
from bridge.simulator.operations.delete_item import delete_item
from bridge.simulator.operations.find_folder import find_folder
from bridge.simulator.operations.find_item import find_item
from bridge.simulator.operations.get_attachment import get_attachment
from bridge.simulator.operations.get_events import get_events
from bridge.simulator.operations.get_folder import get_folder
from bridge.simulator.operations.get_item import get_item
from bridge.simulator.operations.get_rooms import get_room_lists, get_rooms
from bridge.simulator.operations.get_server_time_zones import get_server_time_zones
from bridge.simulator.operations.get_streaming_events import get_streaming_events
from bridge.simulator.operations.get_user_availability import get_user_availability
from bridge.simulator.operations.move_item import copy_item, move_item
from bridge.simulator.operations.resolve_names import resolve_names
from bridge.simulator.operations.subscribe import subscribe
from bridge.simulator.operations.sync_folder_hierarchy import sync_folder_hierarchy
from bridge.simulator.operations.sync_folder_items import sync_folder_items
from bridge.simulator.operations.unsubscribe import unsubscribe
from bridge.simulator.operations.update_folder import update_folder
from bridge.simulator.operations.update_item import update_item
from bridge.simulator.xml import Element

OPERATIONS: Mapping[str, Callable[[Call], Element]] = MappingProxyType(
    {
        "ConvertId": convert_id,
        "CopyItem": copy_item,
        "CreateAttachment": create_attachment,
        "CreateFolder": create_folder,
        "CreateItem": create_item,
        "DeleteAttachment": delete_attachment,
        "DeleteFolder": delete_folder,
        "DeleteItem": delete_item,
        "FindFolder": find_folder,
        "FindItem": find_item,
        "GetAttachment": get_attachment,
        "GetEvents": get_events,
        "GetFolder": get_folder,
        "GetItem": get_item,
        "GetRoomLists": get_room_lists,
        "GetRooms": get_rooms,
        "GetServerTimeZones": get_server_time_zones,
        "GetStreamingEvents": get_streaming_events,
        "GetUserAvailability": get_user_availability,
        "MoveItem": move_item,
        "ResolveNames": resolve_names,
        "Subscribe": subscribe,
        "SyncFolderHierarchy": sync_folder_hierarchy,
        "SyncFolderItems": sync_folder_items,
        "Unsubscribe": unsubscribe,
        "UpdateFolder": update_folder,
        "UpdateItem": update_item,
    }
)
