"""Pages for people: what is served here and how to connect a calendar client."""
