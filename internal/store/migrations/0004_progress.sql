-- +goose Up

-- When a push had reached so many in a hundred of its devices: a line for each
-- percent at most, written with the count that it follows from.
CREATE TABLE push_progress (
    push    BIGINT NOT NULL,
    percent BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (push, percent)
);
