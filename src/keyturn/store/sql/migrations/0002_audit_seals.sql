-- What was sealed of the audit log, a row a moment. The number decides who goes on with the chain.
CREATE TABLE audit_seals (
    number BIGINT NOT NULL PRIMARY KEY,
    last BIGINT NOT NULL,
    sealed_at_ms BIGINT NOT NULL,
    previous BYTEA NOT NULL,
    digests BYTEA NOT NULL,
    key_id BYTEA NOT NULL,
    mac BYTEA NOT NULL
);
