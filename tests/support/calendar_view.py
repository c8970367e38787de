"""What Exchange itself shows of a calendar: a FindItem with a CalendarView, asked by other code than the bridge's."""

from datetime import datetime, timedelta

import requests
from lxml import etree

TYPES = "{http://schemas.microsoft.com/exchange/services/2006/types}"
VIEW = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"
 xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><s:Header>
 <t:RequestServerVersion Version="Exchange2010_SP2"/></s:Header><s:Body><m:FindItem Traversal="Shallow"><m:ItemShape>
 <t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="calendar:Start"/>
 <t:FieldURI FieldURI="calendar:End"/></t:AdditionalProperties></m:ItemShape>
 <m:CalendarView StartDate="{start}" EndDate="{end}"/><m:ParentFolderIds><t:DistinguishedFolderId Id="calendar"/>
 </m:ParentFolderIds></m:FindItem></s:Body></s:Envelope>"""


def calendar_view(
    outlook: requests.Session, url: str, start: datetime, end: datetime, *, days: int = 30
) -> list[tuple[datetime, datetime]]:
    """Give the times of all that is listed, sorted; ``days`` are asked for at once: a view lists a thousand at most."""
    found: dict[str, tuple[datetime, datetime]] = {}
    while start < end:
        until = min(end, start + timedelta(days))
        body = VIEW.format(start=start.isoformat(), end=until.isoformat())
        answer = outlook.post(url, body, headers={"Content-Type": "text/xml; charset=utf-8"}, timeout=30)
        for item in etree.fromstring(answer.content).iter(f"{TYPES}CalendarItem"):
            begin, finish = (datetime.fromisoformat(str(item.findtext(TYPES + name))) for name in ("Start", "End"))
            found[str(item[0].get("Id"))] = (begin, finish)
        start = until
    return sorted(found.values())
