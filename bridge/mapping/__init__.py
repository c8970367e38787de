"""iCalendar to and from the nouns: pure, without network, clock or the machine's time zone."""
