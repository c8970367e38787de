"""A CalDAV bridge to Microsoft Exchange."""
