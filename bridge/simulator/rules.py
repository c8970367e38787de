"""What a server does beyond the schema: a switch a row, each with its source, and the personalities that set them.

Sources: `[V]` seen in a recording of a real server, `[D]` Microsoft's documentation, `MS-OX...` an open
specification, `[C]` what a client that works relies on, `[R]` reported by people who use it, `[W]` seen on the wire
of a server that is not Exchange, `assumed` for what nobody has shown us.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType

from bridge.simulator.fixed_rules import FIXED

VERSIONS = (
    "Exchange2007",
    "Exchange2007_SP1",
    "Exchange2009",
    "Exchange2010",
    "Exchange2010_SP1",
    "Exchange2010_SP2",
    "Exchange2012",
    "Exchange2013",
    "Exchange2013_SP1",
    "Exchange2015",
    "Exchange2016",
    "V2015_10_05",
    "V2016_01_06",
    "V2016_04_13",
    "V2016_07_13",
    "V2016_10_10",
    "V2017_01_07",
    "V2017_04_14",
    "V2017_07_11",
    "V2018_01_08",
)
NOTIFICATIONS = ("none", "pull", "streaming")  # what a server allows, each more than the one before


def rank(version: str) -> int:
    """Give the place of a version name in time; -1 when there is no such version."""
    return VERSIONS.index(version) if version in VERSIONS else -1


@dataclass(frozen=True)
class Rules:
    """Every switch. The comments beside `SOURCES` say where each comes from."""

    default_version: str = "Exchange2007_SP1"
    answers_obey_schema: bool = True
    newer_versions_accepted: bool = False
    unknown_operations: tuple[str, ...] = ()
    chunked_requests: bool = True
    charset_told: bool = True
    long_fractions: bool = False
    empty_left_out: bool = False
    stale_key: str = "ErrorIrresolvableConflict"
    auto_resolve_needs_key: str = "ErrorChangeKeyRequired"
    never_overwrite_needs_key: str = "ErrorChangeKeyRequired"
    overwrite_needs_key: bool = False
    auto_resolve_stale_wins: bool = True
    bad_sync_state_lists_all: bool = False
    sync_newest_first: bool = True
    uid_honoured: bool = True
    uid_fixed_after_create: bool = True
    unknown_zone_accepted: bool = False
    end_zone_follows_start: bool = False
    resources_read_as_required: bool = False
    all_day_end_rounds_up: bool = True
    default_reminder_minutes: int = 15
    default_reminder_set: bool = True
    find_strips_rich: bool = True
    sync_strips_rich: bool = True
    find_organizer_is_ex: bool = True
    view_limit_days: int = 731
    find_count_limit: int = 1000
    no_folder_right_code: str = "ErrorFolderNotFound"
    no_item_right_code: str = "ErrorItemNotFound"
    write_right_code: str = "ErrorAccessDenied"
    freebusy_reader_code: str = "ErrorAccessDenied"
    delegate_soft_delete_only: bool = True
    private_items: str = "stripped"
    view_private_since: str = "Exchange2010_SP1"
    attendees_keep_response: bool = True
    property_newer_than_request: str = "ErrorInvalidPropertyRequest"
    uid_restriction_refused: bool = True
    permission_levels_kept: bool = True
    availability_limit_days: int = 62
    availability_shortest_hours: int = 0
    availability_tells_free: bool = True
    working_elsewhere_digit: int = 4
    exceptions_on_change: str = "reset"
    same_recurrence_resets: bool = True
    occurrence_touches_series: bool = True
    indexes_skip_deleted: bool = False
    view_expands: bool = True
    batch_keeps_key: bool = True
    deleted_neighbours_bound: bool = True
    dates_as_times: bool = False
    zone_parts_renamed: bool = False
    html_cleaned: bool = False
    html_through_rtf: bool = False
    text_lines_by_crlf: bool = True
    attachment_limit_bytes: int = 35 * 1024 * 1024
    request_limit_bytes: int = 64 * 1024 * 1024
    too_large_status: int = 507
    notifications: str = "streaming"
    delegates_subscribe: bool = False
    event_queue_limit: int = 1000
    heartbeat_seconds: float = 45
    stream_minute_seconds: float = 60
    streaming_subscription_minutes: int = 30
    max_subscriptions: int = 5000
    max_concurrency: int = 27
    hanging_connections: int = 10
    several_servers: bool = False


SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "default_version": "assumed",  # a request that names no version is taken as 2007 SP1's
        "answers_obey_schema": "[V] 114 of 115 recorded answers",
        "newer_versions_accepted": "[D] responsecode, ErrorInvalidServerVersion; accepted by lenient ones is assumed",
        "unknown_operations": "[W] what such servers answer with a fault",
        "chunked_requests": "[W] refused there; HTTP/1.1 demands them",
        "charset_told": "[V] recordings' headers; [W] missing there",
        "long_fractions": "[V] whole seconds; [W] up to nine digits, offsets without a colon",
        "empty_left_out": "[W] RootFolder and others left out when empty",
        "stale_key": "[D] UpdateItem, ConflictResolution; [W] not enforced",
        "auto_resolve_needs_key": "[D] responsecode, ErrorChangeKeyRequired",
        "never_overwrite_needs_key": "assumed",  # the documentation names AutoResolve only
        "overwrite_needs_key": "assumed",  # responsecode and itemid contradict one another
        "auto_resolve_stale_wins": "[D] ConflictResolution: usually overwrites",
        "bad_sync_state_lists_all": "[D] responsecode, ErrorInvalidSyncStateData; [W] a full listing there",
        "sync_newest_first": "[D] SyncFolderItems, since 2010 SP2",
        "uid_honoured": "Microsoft's MTGS test suite; [W] always honoured, none of its own form when not sent",
        "uid_fixed_after_create": "assumed",  # setting calendar:UID to another value is refused, to the same is not
        "unknown_zone_accepted": "[D] responsecode, ErrorTimeZone; [W] accepted there",
        "end_zone_follows_start": "[W] EndTimeZone overwritten by StartTimeZone",
        "resources_read_as_required": "[W] resources read back as required attendees",
        "all_day_end_rounds_up": "assumed",  # an end inside a day takes the whole day
        "default_reminder_minutes": "[V] recordings of items created without",
        "default_reminder_set": "[V] recordings of items created without",
        "find_strips_rich": "[D] FindItem: no Body, attendees, recurrence",
        "sync_strips_rich": "[D] SyncFolderItems for Body; the rest assumed",
        "find_organizer_is_ex": "[V] FindItem recordings of 15.2",
        "view_limit_days": "[D] responsecode, ErrorCalendarViewRangeTooBig: two years",
        "find_count_limit": "[D] EWS throttling, EWSFindCountLimit",
        "no_folder_right_code": "[D] delegate access",
        "no_item_right_code": "assumed",
        "write_right_code": "[D] responsecode, ErrorAccessDenied",
        "freebusy_reader_code": "assumed",
        "delegate_soft_delete_only": "[D] responsecode, ErrorCannotDeleteObject",
        "private_items": "assumed",  # another's private item shows its times and nothing else
        "view_private_since": "[V] present in 14.3, absent in other recordings",
        "attendees_keep_response": "assumed",  # replacing the list keeps answers by address; looked for in vain
        "property_newer_than_request": "assumed",
        "uid_restriction_refused": "[D] calendar:UID in a Restriction is not supported",
        "permission_levels_kept": "[D] folder permissions; [W] read back as Custom",
        "availability_limit_days": "[V] the text of Online's error: 62; [D] responsecode, ErrorTimeIntervalTooBig: 42",
        "availability_shortest_hours": "[D] GetUserAvailability of the Managed API: 24; servers take less themselves",
        "availability_tells_free": "[D] the sample of how to get free/busy; left out is assumed",
        "working_elsewhere_digit": "[D] availabilityView of Graph; MergedFreeBusy's own page knows 0 to 4, 4 no data",
        "exceptions_on_change": "MS-OXOCAL 3.1.4.7.3.5: a new pattern drops every exception; keep, split: elsewhere",
        "same_recurrence_resets": "assumed",  # writing the recurrence that is there already drops exceptions too
        "occurrence_touches_series": "[D] a series changes with its occurrences; [W] not there",
        "indexes_skip_deleted": "[D] responsecode: a deleted occurrence has its index still; [W] skipped there",
        "view_expands": "[D] CalendarView; [W] a master once there",
        "batch_keeps_key": "assumed",  # a key that was good when a request began is so for all its occurrences
        "deleted_neighbours_bound": "[R] OutlookGoogleCalendarSync: no two on a day even when one is deleted",
        # The code: [D] responsecode, there for what 32 bits cannot count; in the store, [R] Graph says
        # ErrorMessageSizeExceeded, from 39 MB on (microsoft-graph-docs 15579)
        "attachment_limit_bytes": "assumed",
        "request_limit_bytes": "[D] message size limits of EWS (hh529949): maxAllowedContentLength of each version",
        # [R] exchangelib 590: 507 to 76 MB, of IIS 8.5; before 2013 that of IIS' request filtering, 404.13
        "too_large_status": "[R] exchangelib 590; before 2013 assumed",
        "zone_parts_renamed": "assumed",  # periods and groups of a client's own zone come back under other ids
        "html_cleaned": "[D] FilterHtmlContent: not unless asked to; what goes then is the fixed rule html_unsafe",
        "html_through_rtf": "[R] Stack Overflow 20712500, of 2010 SP3: RTF by a create, poor HTML by an update",
        "text_lines_by_crlf": "assumed",  # the lines of a text come back ended by CR LF
        "notifications": "[D] Subscribe; what a server says that allows `pull` alone, or `none`, is assumed",
        # [D] throttling speaks of folders in different mailboxes; handling delegation-related errors forbids it
        "delegates_subscribe": "[D] responsecode, ErrorSubscriptionDelegateAccessNotSupported",
        "event_queue_limit": "assumed",  # events that wait for one subscription; more are missed
        "heartbeat_seconds": "[C] the EWS Managed API waits 45 s; ews-java-api 497 saw none",
        "stream_minute_seconds": "[D] ConnectionTimeout is in minutes; tests shorten them",
        "streaming_subscription_minutes": "assumed",  # how long one lives without a connection
        "max_subscriptions": "[D] EWS throttling, EWSMaxSubscriptions; of 2010 assumed; 2007 has no limits",
        # Each 0: no limit. Streams of 2010 have a budget of their own, as large as that of calls
        "max_concurrency": "[D] EWS throttling, EWSMaxConcurrency: 10 in 2010, 27 since 2013; lenient ones assumed",
        "hanging_connections": "[D] how to maintain affinity, HangingConnectionLimit: 3 in 2013, 10 online",
        "several_servers": "[D] how to maintain affinity between subscriptions and the Mailbox server",
        "dates_as_times": "[V] dates with the zone's offset; [W] a dateTime there",
    }
)


@dataclass(frozen=True)
class Personality:
    """A kind of server: its name, what its ServerVersionInfo says, the newest request version, its rules."""

    name: str
    build: tuple[int, int, int, int]
    told: str
    newest: str
    rules: Rules
    ceiling: str = ""

    @property
    def young_zones(self) -> bool:
        """Tell whether it knows the zones that came after 2010. Source: [V] 98 zones on 14.1, 140 on 15.2."""
        return self.level >= rank("Exchange2013")

    @property
    def level(self) -> int:
        """Give the rank of the newest version it knows elements of."""
        return rank(self.newest)


_RULES_2010 = Rules(
    request_limit_bytes=35_000_000,
    too_large_status=404,
    html_through_rtf=True,
    attachment_limit_bytes=10 * 1024 * 1024,
    availability_limit_days=42,
    availability_shortest_hours=24,
    max_concurrency=10,
)

_RULES_2007 = replace(
    _RULES_2010, request_limit_bytes=30_000_000, max_subscriptions=0, max_concurrency=0, hanging_connections=0
)

PERSONALITIES: Mapping[str, Personality] = MappingProxyType(
    {
        # [D] samples of 8.1.206; what the schema of its time did not have: `fields`, `history`
        # (that it keeps HTML as a 2010 does is assumed)
        "2007": Personality("2007", (8, 1, 206, 0), "Exchange2007_SP1", "Exchange2007_SP1", _RULES_2007),
        # [V] 14.3.123's own answers; GetServerTimeZones of 14.1 for the zones
        "2010": Personality("2010", (14, 3, 123, 3), "Exchange2010_SP2", "Exchange2010_SP2", _RULES_2010),
        # [D] samples of 15.0.859
        "2013": Personality("2013", (15, 0, 859, 13), "V2_8", "Exchange2013_SP1", Rules(hanging_connections=3)),
        # [V] 15.2.1748
        "2019": Personality("2019", (15, 2, 1748, 10), "V2017_07_11", "V2017_07_11", Rules()),
        # [V] 15.20.3370
        "online": Personality(
            # Nobody has shown us what becomes of a batch's keys and of a zone's ids; so that no client leans on it,
            # here it is the other way. Scripts go since Online's REST interface takes them away unasked ([D] Microsoft
            # 365 developer blog, September 2015); of its EWS that is not said.
            "online",
            (15, 20, 3370, 16),
            "V2018_01_08",
            "V2018_01_08",
            Rules(
                batch_keeps_key=False,
                html_cleaned=True,
                zone_parts_renamed=True,
                delegates_subscribe=True,
                max_subscriptions=20,
            ),
        ),
        "lenient": Personality(
            "lenient",
            (15, 0, 847, 4030),  # assumed: such servers pose as some Exchange 2013
            "V2_88",
            "Exchange2016",
            Rules(
                answers_obey_schema=False,
                newer_versions_accepted=True,
                unknown_operations=("GetServerTimeZones", "ConvertId", "GetRoomLists", "GetRooms"),
                chunked_requests=False,
                charset_told=False,
                long_fractions=True,
                empty_left_out=True,
                stale_key="",
                auto_resolve_needs_key="",
                never_overwrite_needs_key="",
                bad_sync_state_lists_all=True,
                unknown_zone_accepted=True,
                end_zone_follows_start=True,
                resources_read_as_required=True,
                permission_levels_kept=False,
                availability_tells_free=False,
                occurrence_touches_series=False,
                indexes_skip_deleted=True,
                view_expands=False,
                dates_as_times=True,
                text_lines_by_crlf=False,
                too_large_status=413,
                max_subscriptions=0,
                max_concurrency=0,
                hanging_connections=0,
            ),
        ),
    }
)


def assumed() -> dict[str, str]:
    """Give what nobody has shown us: the switches with their default values, the fixed rules in words."""
    defaults = {f.name: f.default for f in fields(Rules)}
    switches = {name: f"{defaults[name]}" for name, source in SOURCES.items() if source == "assumed"}
    return switches | {name: what for name, (what, source) in FIXED.items() if source == "assumed"}
