-- +goose Up

-- Every new column has a default: the cota before this one goes on writing
-- these tables while nodes are upgraded one after the other.

-- How an account proves who it is, beside its password.
ALTER TABLE account ADD COLUMN phone              TEXT   NOT NULL DEFAULT ''; -- masked, to be shown
ALTER TABLE account ADD COLUMN phone_sealed       TEXT   NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN totp_sealed        TEXT   NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN totp_step          BIGINT NOT NULL DEFAULT 0;  -- of the last code that was taken: none is taken twice
ALTER TABLE account ADD COLUMN totp_new_sealed    TEXT   NOT NULL DEFAULT ''; -- an authenticator that is not confirmed yet
ALTER TABLE account ADD COLUMN recovery_hash      TEXT   NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN recovery_until     BIGINT NOT NULL DEFAULT 0;

-- Lists, with a blank between. Tokens that could push still can.
ALTER TABLE token ADD COLUMN scopes   TEXT NOT NULL DEFAULT '';
ALTER TABLE token ADD COLUMN networks TEXT NOT NULL DEFAULT '';
UPDATE token SET scopes = 'push' WHERE role IN ('publisher', 'admin');

-- What administrators set for the whole server, as JSON.
CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Keys of the server that are not of download links.
CREATE TABLE server_key (
    name          TEXT   PRIMARY KEY,
    secret_sealed TEXT   NOT NULL,
    created_at    BIGINT NOT NULL
);

-- A second proof that a session was asked for. Only the hash of its code is
-- kept.
CREATE TABLE challenge (
    id           TEXT   PRIMARY KEY,
    session      TEXT   NOT NULL, -- its hash
    account      TEXT   NOT NULL,
    phone_sealed TEXT   NOT NULL, -- the new number that is to be proven, '': the account itself is
    code_hash    TEXT   NOT NULL, -- '': none was sent
    sent_at      BIGINT NOT NULL,
    tries        BIGINT NOT NULL, -- wrong codes since
    created_at   BIGINT NOT NULL
);
CREATE INDEX challenge_of_session ON challenge (session, created_at);
CREATE INDEX challenge_of_account ON challenge (account);

-- Codes that were sent to an account, and wrong ones that were tried for it,
-- in the last hour.
CREATE TABLE attempt (
    account TEXT   NOT NULL,
    kind    TEXT   NOT NULL,
    at      BIGINT NOT NULL
);
CREATE INDEX attempt_of_account ON attempt (account, kind, at);

-- Where a browser passed a verification for an account, and when.
CREATE TABLE trust (
    account   TEXT   NOT NULL,
    browser   TEXT   NOT NULL, -- hash of its id
    network   TEXT   NOT NULL,
    proven_at BIGINT NOT NULL,
    PRIMARY KEY (account, browser, network)
);
