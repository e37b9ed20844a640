-- +goose Up

-- Names are sorted and searched by their bytes, as SQLite does by itself,
-- whatever the locale of the database.
ALTER TABLE instance ALTER COLUMN id TYPE TEXT COLLATE "C";
ALTER TABLE product ALTER COLUMN key TYPE TEXT COLLATE "C";
ALTER TABLE device ALTER COLUMN name TYPE TEXT COLLATE "C";
ALTER TABLE account ALTER COLUMN name TYPE TEXT COLLATE "C";
