-- +goose Up

-- No row here refers to its product by a key of the schema: the cota before
-- this one removes products without knowing of them.

-- The certificates of CAs that products trust to issue those of their devices.
CREATE TABLE product_ca (
    product     TEXT   NOT NULL,
    fingerprint TEXT   NOT NULL,
    subject     TEXT   NOT NULL, -- cota.IssuerID of its name, by which what it issued finds it
    pem         TEXT   NOT NULL,
    added_at    BIGINT NOT NULL,
    PRIMARY KEY (product, fingerprint)
);
CREATE INDEX product_ca_subject ON product_ca (subject, product);

-- Certificates of devices, and of CAs between, that count no longer.
CREATE TABLE revoked (
    product TEXT NOT NULL,
    serial  TEXT NOT NULL,
    issuer  TEXT NOT NULL, -- cota.IssuerID, '': whichever
    PRIMARY KEY (product, serial, issuer)
);
