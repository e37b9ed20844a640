-- +goose Up

-- The push has told a device something. Its counts do not say so for ever: they
-- lose devices that are removed.
ALTER TABLE push ADD COLUMN told BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE push SET told = TRUE WHERE sent + received + fetched + applied + failed > 0;
