-- +goose Up

-- Lines of the timelines of many devices, committed together (see block.go).
-- What is alone is in event.
CREATE TABLE event_block (
    bucket BIGINT NOT NULL, -- of neighbours by id
    since  BIGINT NOT NULL, -- when the oldest line happened
    until  BIGINT NOT NULL, -- when the newest did
    seq    BIGINT NOT NULL, -- of the first line
    lines  TEXT   NOT NULL
);
CREATE INDEX event_block_of_bucket ON event_block (bucket, until);
