-- +goose Up

-- When the session was used last, give or take a minute, and what the browser
-- calls itself. They have defaults because the cota before this one goes on
-- writing this table while nodes are upgraded.
ALTER TABLE session ADD COLUMN seen_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN browser TEXT NOT NULL DEFAULT '';
