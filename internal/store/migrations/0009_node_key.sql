-- +goose Up

-- Name of the master key that the node seals with, '' for a node of a cota
-- that does not say.
ALTER TABLE node ADD COLUMN seals_with TEXT NOT NULL DEFAULT '';
