-- +goose Up

-- Times are Unix milliseconds set by the program; 0 means never. Names of
-- things that are secret end in _sealed and hold AES-GCM boxes (see seal.go).

CREATE TABLE counter (
    name  TEXT   PRIMARY KEY,
    value BIGINT NOT NULL
);

CREATE TABLE node (
    id         BIGINT PRIMARY KEY,
    host       TEXT   NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL
);

CREATE TABLE signing_key (
    id            BIGINT PRIMARY KEY,
    secret_sealed TEXT   NOT NULL,
    created_at    BIGINT NOT NULL
);

CREATE TABLE instance (
    id          TEXT   PRIMARY KEY,
    name        TEXT   NOT NULL,
    environment TEXT   NOT NULL,
    created_at  BIGINT NOT NULL
);

CREATE TABLE product (
    key           TEXT    PRIMARY KEY,
    instance      TEXT    NOT NULL REFERENCES instance (id),
    name          TEXT    NOT NULL,
    secret_sealed TEXT    NOT NULL,
    enabled       BOOLEAN NOT NULL,
    policy        TEXT    NOT NULL,
    current       BIGINT  NOT NULL, -- number of the current version, 0: none
    push          BIGINT  NOT NULL, -- the push its devices converge to, 0: none
    devices       BIGINT  NOT NULL, -- registered, counted where they are added and removed
    created_at    BIGINT  NOT NULL,
    updated_at    BIGINT  NOT NULL
);
CREATE UNIQUE INDEX product_name ON product (instance, name);

CREATE TABLE version (
    product      TEXT   NOT NULL REFERENCES product (key),
    number       BIGINT NOT NULL,
    config_id    TEXT   NOT NULL,
    content      TEXT   NOT NULL,
    sha256       TEXT   NOT NULL,
    size         BIGINT NOT NULL,
    note         TEXT   NOT NULL,
    author       TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    needed_until BIGINT NOT NULL, -- links to it may live until then
    PRIMARY KEY (product, number)
);
CREATE UNIQUE INDEX version_config ON version (product, config_id);

CREATE TABLE push (
    no         BIGINT PRIMARY KEY,
    product    TEXT   NOT NULL REFERENCES product (key),
    version    BIGINT NOT NULL,
    state      TEXT   NOT NULL,
    total      BIGINT NOT NULL,
    sent       BIGINT NOT NULL,
    received   BIGINT NOT NULL,
    fetched    BIGINT NOT NULL,
    applied    BIGINT NOT NULL,
    failed     BIGINT NOT NULL,
    started_by TEXT   NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL,
    reason     TEXT   NOT NULL
);
CREATE UNIQUE INDEX push_once ON push (product, version);
CREATE UNIQUE INDEX push_one_running ON push (product) WHERE state = 'running';
CREATE INDEX push_of_product ON push (product, no);

-- INTEGER, not BIGINT: that makes the id SQLite's own row key. It holds two
-- thousand million devices on PostgreSQL.
CREATE TABLE device (
    id            INTEGER PRIMARY KEY,
    product       TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    secret_sealed TEXT    NOT NULL,
    disabled      BOOLEAN NOT NULL,
    created_at    BIGINT  NOT NULL,
    node          BIGINT  NOT NULL, -- where it is connected, 0: nowhere
    connected_at  BIGINT  NOT NULL,
    seen_at       BIGINT  NOT NULL,
    push          BIGINT  NOT NULL, -- the push it is part of; older than the product's: pending
    state         BIGINT  NOT NULL, -- its rung there
    code          BIGINT  NOT NULL,
    detail        TEXT    NOT NULL,
    state_at      BIGINT  NOT NULL,
    was_push      BIGINT  NOT NULL, -- push, state and code before the last change: RETURNING
    was_state     BIGINT  NOT NULL, --   shows only the new row, and the counts need both
    was_code      BIGINT  NOT NULL,
    offered       BIGINT  NOT NULL, -- newest version ever offered to it
    config_id     TEXT    NOT NULL, -- what it said it applied last
    config_at     BIGINT  NOT NULL
);
CREATE UNIQUE INDEX device_name ON device (product, name);

CREATE TABLE event (
    device BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    seq    BIGINT NOT NULL, -- order within one commit
    kind   TEXT   NOT NULL,
    push   BIGINT NOT NULL,
    code   BIGINT NOT NULL,
    detail TEXT   NOT NULL
);
CREATE INDEX event_of_device ON event (device, at, seq);

CREATE TABLE account (
    name       TEXT    PRIMARY KEY,
    role       TEXT    NOT NULL,
    password   TEXT    NOT NULL, -- argon2id, PHC string
    disabled   BOOLEAN NOT NULL,
    created_at BIGINT  NOT NULL
);

-- Sessions and tokens are random 256-bit values; only their SHA-256 is kept.
CREATE TABLE session (
    hash       TEXT   PRIMARY KEY,
    account    TEXT   NOT NULL REFERENCES account (name),
    address    TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX session_of_account ON session (account);

CREATE TABLE token (
    id         BIGINT PRIMARY KEY,
    hash       TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    account    TEXT   NOT NULL REFERENCES account (name),
    role       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX token_hash ON token (hash);
CREATE INDEX token_of_account ON token (account);

CREATE TABLE audit (
    id      BIGINT PRIMARY KEY,
    at      BIGINT NOT NULL,
    actor   TEXT   NOT NULL,
    address TEXT   NOT NULL,
    action  TEXT   NOT NULL,
    target  TEXT   NOT NULL,
    detail  TEXT   NOT NULL
);
