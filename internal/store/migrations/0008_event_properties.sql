-- +goose Up

-- The user properties that a device gave with its message, as JSON: a list of
-- objects with name and value; '' for none. It has a default because the cota
-- before this one goes on writing this table while nodes are upgraded.
ALTER TABLE event ADD COLUMN properties TEXT NOT NULL DEFAULT '';
