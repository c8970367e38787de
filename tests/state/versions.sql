-- The tables of the state as SQLite has them: those of version 1, then what each version added.

-- version 1

CREATE TABLE schema (
    version INTEGER NOT NULL,
    probe BLOB NOT NULL
);

CREATE TABLE proofs (
    login BLOB NOT NULL,
    proved_at BIGINT NOT NULL,
    proof BLOB NOT NULL,
    PRIMARY KEY (login)
);

CREATE INDEX ix_proofs_proved_at ON proofs (proved_at);

CREATE TABLE refusals (
    id INTEGER NOT NULL,
    login BLOB NOT NULL,
    refused_at BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX ix_refusals_login ON refusals (login);

CREATE INDEX ix_refusals_refused_at ON refusals (refused_at);

CREATE TABLE intents (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    calendar BLOB NOT NULL,
    resource BLOB NOT NULL,
    owner VARCHAR(16) NOT NULL,
    claim INTEGER NOT NULL,
    step VARCHAR NOT NULL,
    opened_at BIGINT NOT NULL,
    outcome VARCHAR,
    closed_at BIGINT,
    push BLOB NOT NULL
);

CREATE INDEX intents_by_time ON intents (closed_at);

CREATE UNIQUE INDEX one_open_intent ON intents (resource) WHERE closed_at IS NULL;

CREATE INDEX intents_by_resource ON intents (resource, id);

CREATE INDEX open_intents ON intents (calendar) WHERE closed_at IS NULL;

CREATE TABLE names (
    mailbox BLOB NOT NULL,
    folder BLOB NOT NULL,
    name BLOB NOT NULL,
    label BLOB NOT NULL,
    PRIMARY KEY (mailbox, folder)
);

CREATE UNIQUE INDEX one_folder_a_name ON names (mailbox, name);

-- version 2

CREATE TABLE shares (
    viewer BLOB NOT NULL,
    "key" BLOB NOT NULL,
    share BLOB NOT NULL,
    PRIMARY KEY ("key")
);

CREATE INDEX ix_shares_viewer ON shares (viewer);

-- version 3

CREATE TABLE kept_properties (
    id INTEGER NOT NULL,
    place BLOB NOT NULL,
    name BLOB NOT NULL,
    property BLOB NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX one_property_a_name ON kept_properties (place, name);

-- version 4

CREATE TABLE personal_lines (
    place BLOB NOT NULL,
    resource BLOB NOT NULL,
    gone_at BIGINT,
    lines BLOB NOT NULL,
    PRIMARY KEY (place, resource)
);
