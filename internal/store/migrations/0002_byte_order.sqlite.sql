-- +goose Up

-- SQLite compares text by its bytes.
SELECT 1;
