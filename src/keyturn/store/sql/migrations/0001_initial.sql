-- The types are those that SQLite and PostgreSQL both take: BIGINT, TEXT, BYTEA.

CREATE TABLE users (
    sub TEXT NOT NULL PRIMARY KEY,
    username TEXT NOT NULL,
    username_key TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    roles TEXT NOT NULL,
    disabled_at BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- No index on a column that a refresh changes: then a refresh writes one page on SQLite, and PostgreSQL can keep
-- the new row version on the old one's page without touching any index (a HOT update).
CREATE TABLE sessions (
    handle BYTEA NOT NULL PRIMARY KEY,
    sid TEXT NOT NULL UNIQUE,
    sub TEXT NOT NULL,
    client TEXT NOT NULL,
    client_id TEXT NOT NULL,
    scope TEXT,
    resource TEXT,
    generation BIGINT NOT NULL,
    key_id BYTEA NOT NULL,
    rotated_at_ms BIGINT NOT NULL,
    auth_time BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    idle_expires_at BIGINT NOT NULL,
    device_id BYTEA NOT NULL,
    device_name TEXT NOT NULL,
    browser TEXT NOT NULL,
    os TEXT NOT NULL,
    address TEXT NOT NULL,
    refresh_tat_us BIGINT NOT NULL,
    replayed_generation BIGINT NOT NULL DEFAULT 0,
    ended_at BIGINT,
    end_reason TEXT
);

CREATE INDEX sessions_by_sub ON sessions (sub);

-- Pruning walks this one. The handle makes each place in it unique.
CREATE INDEX sessions_by_end ON sessions (expires_at, handle);

CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE revocations (
    seq BIGINT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    digest BYTEA NOT NULL,
    cut_off BIGINT,
    expires_at BIGINT NOT NULL
);

CREATE INDEX revocations_by_end ON revocations (expires_at);

-- One row, whose lock every revoking transaction holds until it commits.
CREATE TABLE revocation_sequence (last BIGINT NOT NULL);

INSERT INTO revocation_sequence (last) VALUES (0);

CREATE TABLE signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL,
    state TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    published_at BIGINT NOT NULL,
    activate_at BIGINT NOT NULL,
    activated_at BIGINT,
    retired_at BIGINT,
    revoked_at BIGINT
);

-- One row, whose lock whoever changes the signing keys holds: there may be no key yet to lock.
CREATE TABLE signing_keys_lock (holders BIGINT NOT NULL);

INSERT INTO signing_keys_lock (holders) VALUES (0);

CREATE TABLE rate_limits (
    key_digest BYTEA NOT NULL PRIMARY KEY,
    tat_us BIGINT NOT NULL
);

CREATE INDEX rate_limits_by_tat ON rate_limits (tat_us);

CREATE TABLE audit (
    number BIGINT NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,
    sub TEXT,
    sid TEXT,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    address TEXT NOT NULL,
    browser TEXT NOT NULL,
    request_id TEXT NOT NULL,
    details TEXT NOT NULL
);

-- One row, as above: whoever has read number n will never see a lower one appear.
CREATE TABLE audit_sequence (last BIGINT NOT NULL);

INSERT INTO audit_sequence (last) VALUES (0);

-- One row a job that one process of the fleet does now and then.
CREATE TABLE turns (
    job TEXT NOT NULL PRIMARY KEY,
    taken_at_ms BIGINT NOT NULL
);

CREATE TABLE used_tokens (
    digest BYTEA NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

CREATE INDEX used_tokens_by_end ON used_tokens (expires_at);
