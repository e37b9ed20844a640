-- +goose Up

-- Who is online is written each time a device comes or goes, so it is a table
-- of its own, with narrow rows. A device that has never connected has none.
CREATE TABLE presence (
    device       INTEGER PRIMARY KEY, -- SQLite's own row key
    node         BIGINT  NOT NULL, -- where it is connected, 0: nowhere
    through      BIGINT  NOT NULL, -- the gateway by which it is, 0: by itself
    connected_at BIGINT  NOT NULL,
    seen_at      BIGINT  NOT NULL
);
INSERT INTO presence (device, node, through, connected_at, seen_at)
    SELECT id, node, through, connected_at, seen_at FROM device WHERE connected_at <> 0;
ALTER TABLE device DROP COLUMN node;
ALTER TABLE device DROP COLUMN through;
ALTER TABLE device DROP COLUMN connected_at;
ALTER TABLE device DROP COLUMN seen_at;
