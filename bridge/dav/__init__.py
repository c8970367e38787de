"""DAV and CalDAV as functions over nouns: request bodies, filters, properties, multistatus, preconditions."""
