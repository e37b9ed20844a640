-- +goose Up

-- Every new column has a default: the cota before this one goes on writing
-- these tables while nodes are upgraded one after the other.

-- Dynamic registration: of listed devices, and of any that know the
-- ProductSecret.
ALTER TABLE product ADD COLUMN dynamic_registration     BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE product ADD COLUMN without_pre_registration BOOLEAN NOT NULL DEFAULT FALSE;

-- When it was last given a secret after it was added, by a registration or an
-- operator. A device that has connected since is activated.
ALTER TABLE device ADD COLUMN secret_at BIGINT NOT NULL DEFAULT 0;

-- What devices sign in with that registered without being listed. Tokens are
-- random 256-bit values; only their SHA-256 is kept.
CREATE TABLE device_token (
    device     BIGINT NOT NULL,
    client_id  TEXT   NOT NULL,
    hash       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL, -- first sign-in with it, 0: none yet
    PRIMARY KEY (device, client_id)
);
