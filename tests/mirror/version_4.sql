-- The tables of a mirror of version 4, as SQLite has them.

CREATE TABLE schema (
    version INTEGER NOT NULL,
    probe BLOB NOT NULL
);

CREATE TABLE calendars (
    id INTEGER NOT NULL,
    "key" BLOB NOT NULL,
    viewer BLOB NOT NULL,
    epoch BLOB NOT NULL,
    revision BIGINT NOT NULL,
    serial BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    is_listing BOOLEAN NOT NULL,
    pulled_at BIGINT,
    cursor BLOB,
    horizon BIGINT DEFAULT '0' NOT NULL,
    rendering BLOB,
    PRIMARY KEY (id),
    UNIQUE ("key")
);

CREATE INDEX ix_calendars_viewer ON calendars (viewer);

CREATE TABLE folder_listings (
    viewer BLOB NOT NULL,
    mailbox BLOB NOT NULL,
    listed_at BIGINT NOT NULL,
    listing BLOB NOT NULL,
    PRIMARY KEY (viewer, mailbox)
);

CREATE TABLE busy_months (
    month BLOB NOT NULL,
    viewer BLOB NOT NULL,
    mailbox BLOB NOT NULL,
    asked_at BIGINT NOT NULL,
    blocks BLOB NOT NULL,
    PRIMARY KEY (month)
);

CREATE INDEX ix_busy_months_mailbox ON busy_months (mailbox);

CREATE INDEX busy_months_by_age ON busy_months (viewer, asked_at);

CREATE TABLE resources (
    calendar INTEGER NOT NULL,
    name BLOB NOT NULL,
    uid BLOB NOT NULL,
    serial BIGINT NOT NULL,
    created BIGINT NOT NULL,
    pushed BIGINT NOT NULL,
    head BLOB NOT NULL,
    text BLOB NOT NULL,
    facts BLOB NOT NULL,
    PRIMARY KEY (calendar, name),
    FOREIGN KEY(calendar) REFERENCES calendars (id) ON DELETE CASCADE
);

CREATE INDEX resources_by_serial ON resources (calendar, serial);

CREATE INDEX resources_by_uid ON resources (calendar, uid);

CREATE TABLE items (
    calendar INTEGER NOT NULL,
    item BLOB NOT NULL,
    name BLOB NOT NULL,
    generation BIGINT NOT NULL,
    PRIMARY KEY (calendar, item),
    FOREIGN KEY(calendar) REFERENCES calendars (id) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE INDEX items_by_generation ON items (calendar, generation);

CREATE TABLE graves (
    calendar INTEGER NOT NULL,
    name BLOB NOT NULL,
    removed BIGINT NOT NULL,
    created BIGINT NOT NULL,
    uid BLOB NOT NULL,
    is_pushed BOOLEAN NOT NULL,
    label BLOB NOT NULL,
    PRIMARY KEY (calendar, name, removed),
    FOREIGN KEY(calendar) REFERENCES calendars (id) ON DELETE CASCADE
);

CREATE INDEX graves_by_revision ON graves (calendar, removed);

CREATE INDEX graves_by_uid ON graves (calendar, uid);

CREATE TABLE pending (
    calendar INTEGER NOT NULL,
    item BLOB NOT NULL,
    due BIGINT NOT NULL,
    label BLOB NOT NULL,
    PRIMARY KEY (calendar, item),
    FOREIGN KEY(calendar) REFERENCES calendars (id) ON DELETE CASCADE
);
