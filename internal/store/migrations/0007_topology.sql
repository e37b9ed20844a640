-- +goose Up

-- Which devices are behind which gateway. Any device can be a gateway.
CREATE TABLE topology (
    device   INTEGER PRIMARY KEY,
    gateway  INTEGER NOT NULL, -- a device, as well
    added_at BIGINT  NOT NULL
);
CREATE INDEX topology_of_gateway ON topology (gateway, device);

-- The gateway by which a device is connected, 0: by itself.
ALTER TABLE device ADD COLUMN through BIGINT NOT NULL DEFAULT 0;
