"""The table of calendar item properties: everything the schema names, in its order, which is the answers' order.

A row says the element's name, which part of the schema it is of, since which version, in which shapes it comes
(`a` AllProperties, `d` Default, `r` only from GetItem), what a client may write, and how it is told and taken.
Sources: the schema for names and order, [V] recordings for what AllProperties holds; for versions what Microsoft's
test suites of MS-OXWSCORE and MS-OXWSMTGS expect of each server (their SHOULDMAY configurations), the EWS Managed API's
ItemSchema.cs and AppointmentSchema.cs, [D] the elements' pages; for 2016 where none of them says more, assumed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bridge.simulator import attachments as attached
from bridge.simulator import telling as tell
from bridge.simulator import telling_series as series
from bridge.simulator.call import Call
from bridge.simulator.meeting_zone import meeting_zone, take_meeting_zone
from bridge.simulator.model import Item
from bridge.simulator.recurrence_xml import take_recurrence
from bridge.simulator.rules import rank
from bridge.simulator.taking import (
    FREE_BUSY,
    IMPORTANCE,
    SENSITIVITY,
    take_attendees,
    take_body,
    take_bool,
    take_choice,
    take_int,
    take_item_class,
    take_online,
    take_strings,
    take_text,
    take_time,
    take_zone,
)
from bridge.simulator.telling import Told
from bridge.simulator.xml import Element

Take = Callable[[Call, Element], object]
Tell = Callable[[Told, Item], Element | str | None]


@dataclass(frozen=True)
class Field:
    """A property of a calendar item; without `tell` no item of ours has it, without `take` none can be given it."""

    name: str
    scope: str
    since: str
    shapes: str = ""
    tell: Tell | None = None
    take: Take | None = None
    deletable: bool = False

    @property
    def path(self) -> str:
        """Give the FieldURI."""
        return f"{self.scope}:{self.name}"

    def known_to(self, level: int) -> bool:
        """Tell whether a version of that rank has the property."""
        return rank(self.since) <= level


OLD, OLD1, Y2010, Y2013, Y2016 = (
    "Exchange2007",
    "Exchange2007_SP1",
    "Exchange2010",
    "Exchange2013",
    "Exchange2016",
)


def _item(name: str, shapes: str = "", tell: Tell | None = None, take: Take | None = None, since: str = OLD) -> Field:
    return Field(name, "item", since, shapes, tell, take, deletable=name in _DELETABLE)


def _calendar(
    name: str, shapes: str = "", tell: Tell | None = None, take: Take | None = None, since: str = OLD
) -> Field:
    return Field(name, "calendar", since, shapes, tell, take, deletable=name in _DELETABLE)


# Assumed: what else can be deleted gives ErrorInvalidPropertyDelete
_DELETABLE = {
    "Subject",
    "Body",
    "Categories",
    "ReminderIsSet",
    "ReminderMinutesBeforeStart",
    "Location",
    "When",
    "RequiredAttendees",
    "OptionalAttendees",
    "Resources",
    "Importance",
    "Sensitivity",
    "MeetingWorkspaceUrl",
    "NetShowUrl",
    "AllowNewTimeProposal",
    "Recurrence",
}

FIELDS: tuple[Field, ...] = (
    _item("MimeContent"),
    _item("ItemId", "ad", tell.item_id),
    _item("ParentFolderId", "a", tell.parent),
    _item("ItemClass", "a", series.item_class, take_item_class),
    _item("Subject", "ad", partial(tell.text, "Subject", None), take_text),
    _item("Sensitivity", "ad", partial(tell.text, "Sensitivity", "Normal"), partial(take_choice, SENSITIVITY)),
    _item("Body", "adr", tell.body, take_body),
    _item("Attachments", "ar", attached.attachments_element, attached.take_attachments),
    _item("DateTimeReceived", "a", lambda told, item: told.call.time_text(item.created)),
    _item("Size", "a", tell.size),
    _item("Categories", "a", tell.categories, take_strings),
    _item("Importance", "a", partial(tell.text, "Importance", "Normal"), partial(take_choice, IMPORTANCE)),
    _item("InReplyTo"),
    _item("IsSubmitted", "a", tell.no),
    _item("IsDraft", "a", tell.no),
    _item("IsFromMe", "a", tell.no),
    _item("IsResend", "a", tell.no),
    _item("IsUnmodified", "a", tell.no),
    _item("InternetMessageHeaders", "r"),
    _item("DateTimeSent", "a", lambda told, item: told.call.time_text(item.created)),
    _item("DateTimeCreated", "a", lambda told, item: told.call.time_text(item.created)),
    _item("ResponseObjects", "adr", tell.response_objects),
    _item("ReminderDueBy", "a", series.due_by, take_time),
    _item("ReminderIsSet", "a", tell.reminder_is_set, take_bool),
    _item("ReminderNextTime", "", tell.reminder_time, since=Y2013),
    _item("ReminderMinutesBeforeStart", "a", tell.reminder_minutes, partial(take_int, 0, 2_629_800)),
    _item("DisplayCc", "a", partial(tell.display, "OptionalAttendees")),
    _item("DisplayTo", "a", partial(tell.display, "RequiredAttendees")),
    _item("DisplayBcc", "r"),
    _item("HasAttachments", "ad", attached.has_attachments),
    _item("ExtendedProperty"),
    _item("Culture", "a", partial(tell.text, "Culture", "en-US"), take_text),
    _item("EffectiveRights", "a", tell.rights, since=OLD1),
    _item("LastModifiedName", "a", lambda _told, item: item.modified_by, since=OLD1),
    _item("LastModifiedTime", "a", lambda told, item: told.call.time_text(item.modified), since=OLD1),
    _item("IsAssociated", "a", tell.no, since=Y2010),
    _item("WebClientReadFormQueryString", "a", tell.web_link, since=Y2010),
    _item("WebClientEditFormQueryString", since=Y2010),
    _item("ConversationId", "a", tell.conversation, since=Y2010),
    _item("UniqueBody", "r", since=Y2010),
    _item("Flag", since=Y2013),
    _item("StoreEntryId", since="Exchange2010_SP2"),
    _item("InstanceKey", since=Y2013),
    _item("NormalizedBody", "r", since=Y2013),
    *(_item(name, since=Y2013) for name in ("EntityExtractionResult", "PolicyTag", "ArchiveTag", "RetentionDate")),
    *(_item(name, since=Y2013) for name in ("Preview", "RightsManagementLicenseData", "PredictedActionReasons")),
    *(_item(name, since=Y2013) for name in ("IsClutter", "BlockStatus", "HasBlockedImages")),
    _item("TextBody", "r", tell.text_body, since=Y2013),
    *(_item(name, since=Y2013) for name in ("IconIndex", "SearchKey", "SortKey")),
    *(_item(name, since=Y2016) for name in ("Hashtags", "Mentions", "MentionedMe", "MentionsPreview", "MentionsEx")),
    *(_item(name, since=Y2016) for name in ("AppliedHashtags", "AppliedHashtagsPreview", "Likes", "LikesPreview")),
    *(_item(name, since=Y2016) for name in ("PendingSocialActivityTagIds", "AtAllMention", "CanDelete")),
    _item("InferenceClassification", since=Y2016),
    _calendar("UID", "a", lambda _told, item: item.uid, take_text),
    _calendar("RecurrenceId", "a", series.original),
    _calendar("DateTimeStamp", "a", lambda told, item: told.call.time_text(item.modified)),
    _calendar("Start", "ad", lambda told, item: told.call.time_text(item.start), take_time),
    _calendar("End", "ad", lambda told, item: told.call.time_text(item.end), take_time),
    _calendar("OriginalStart", "", series.original),
    _calendar("IsAllDayEvent", "a", partial(tell.truth, "IsAllDayEvent", default=False), take_bool),
    _calendar(
        "LegacyFreeBusyStatus",
        "ad",
        partial(tell.text, "LegacyFreeBusyStatus", "Busy"),
        partial(take_choice, FREE_BUSY),
    ),
    _calendar("Location", "ad", partial(tell.text, "Location", None), take_text),
    _calendar("When", "", partial(tell.text, "When", None), take_text),
    _calendar("IsMeeting", "a", tell.is_meeting),
    _calendar("IsCancelled", "a", partial(tell.truth, "IsCancelled", default=False)),
    _calendar("IsRecurring", "a", series.is_recurring),
    _calendar("MeetingRequestWasSent", "a", partial(tell.truth, "MeetingRequestWasSent", default=False)),
    _calendar("IsResponseRequested", "a", partial(tell.truth, "IsResponseRequested", default=True), take_bool),
    _calendar("CalendarItemType", "ad", lambda _told, item: item.kind),
    _calendar("MyResponseType", "a", tell.my_response),
    _calendar("Organizer", "ad", tell.organizer),
    _calendar("RequiredAttendees", "adr", partial(tell.attendees, "RequiredAttendees"), take_attendees),
    _calendar("OptionalAttendees", "adr", partial(tell.attendees, "OptionalAttendees"), take_attendees),
    _calendar("Resources", "adr", partial(tell.attendees, "Resources"), take_attendees),
    _calendar("InboxReminders", since=Y2016),
    *(_calendar(name, "r") for name in ("ConflictingMeetingCount", "AdjacentMeetingCount")),
    *(_calendar(name, "r") for name in ("ConflictingMeetings", "AdjacentMeetings")),
    _calendar("Duration", "a", tell.duration),
    _calendar("TimeZone", "a", tell.zone_text),
    _calendar("AppointmentReplyTime"),
    _calendar("AppointmentSequenceNumber", "a", partial(tell.text, "AppointmentSequenceNumber", "0")),
    _calendar("AppointmentState", "a", tell.state),
    _calendar("Recurrence", "ar", series.recurrence, take_recurrence),
    _calendar("FirstOccurrence", "ar", series.first),
    _calendar("LastOccurrence", "ar", series.last),
    _calendar("ModifiedOccurrences", "ar", series.modified),
    _calendar("DeletedOccurrences", "ar", series.deleted),
    _calendar("MeetingTimeZone", "ar", meeting_zone, take_meeting_zone),
    _calendar("StartTimeZone", "", partial(tell.zone, "StartTimeZone"), take_zone, Y2010),
    _calendar("EndTimeZone", "", partial(tell.zone, "EndTimeZone"), take_zone, Y2010),
    _calendar("ConferenceType", "", partial(tell.text, "ConferenceType", None), partial(take_int, 0, 2)),
    _calendar("AllowNewTimeProposal", "a", partial(tell.truth, "AllowNewTimeProposal", default=None), take_bool),
    _calendar("IsOnlineMeeting", "a", partial(tell.truth, "IsOnlineMeeting", default=False), take_online),
    _calendar("MeetingWorkspaceUrl", "", partial(tell.text, "MeetingWorkspaceUrl", None), take_text),
    _calendar("NetShowUrl", "", partial(tell.text, "NetShowUrl", None), take_text),
    _calendar("EnhancedLocation", "", tell.enhanced_location, since=Y2013),
    _calendar("StartWallClock", "", partial(tell.wall_clock, "Start"), since=Y2013),
    _calendar("EndWallClock", "", partial(tell.wall_clock, "End"), since=Y2013),
    _calendar("StartTimeZoneId", "", partial(tell.zone_id, "StartTimeZone"), since=Y2013),
    _calendar("EndTimeZoneId", "", partial(tell.zone_id, "EndTimeZone"), since=Y2013),
    _calendar("IntendedFreeBusyStatus", since=Y2013),
    _calendar("JoinOnlineMeetingUrl", "", partial(tell.text, "JoinOnlineMeetingUrl", None), since=Y2013),
    _calendar("OnlineMeetingSettings", since=Y2013),
    _calendar("IsOrganizer", "", tell.is_organizer, since=Y2013),
    _calendar("CalendarActivityData", since=Y2016),
    _calendar("DoNotForwardMeeting", since=Y2016),
)
BY_PATH = {field.path: field for field in FIELDS}
BY_NAME = {field.name: field for field in FIELDS}
ORDER = {field.name: place for place, field in enumerate(FIELDS)}
# What another's private item still shows (rule private_items)
SHOWN_OF_PRIVATE = frozenset(
    {
        *("ItemId", "ParentFolderId", "ItemClass", "Sensitivity", "EffectiveRights", "UID", "CalendarItemType"),
        *("LastModifiedTime", "DateTimeCreated", "Start", "End", "Duration", "IsAllDayEvent", "LegacyFreeBusyStatus"),
        *("StartTimeZone", "EndTimeZone", "StartTimeZoneId", "EndTimeZoneId", "RecurrenceId", "OriginalStart"),
        *("IsRecurring", "Recurrence", "FirstOccurrence", "LastOccurrence"),
        *("ModifiedOccurrences", "DeletedOccurrences"),
    }
)
