-- +goose Up

-- Where a device stood before is read before it is moved.
ALTER TABLE device DROP COLUMN was_push;
ALTER TABLE device DROP COLUMN was_state;
ALTER TABLE device DROP COLUMN was_code;
