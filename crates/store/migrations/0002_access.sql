-- API tokens, and the audit.

-- Never the tokens themselves: only their SHA-256. One that is revoked stays, so that the audit can be read.
CREATE TABLE tokens (
    id         TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    role       TEXT   NOT NULL,
    hash       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    -- Give or take a minute.
    used_at    BIGINT
);

-- Rows are only ever added. The hash of each covers the row before it.
CREATE TABLE audit (
    seq        BIGINT NOT NULL PRIMARY KEY,
    time       BIGINT NOT NULL,
    kind       TEXT   NOT NULL,
    caller     TEXT   NOT NULL,
    role       TEXT   NOT NULL,
    via        TEXT   NOT NULL,
    peer       TEXT,
    forwarded  TEXT,
    request_id TEXT,
    method     TEXT   NOT NULL,
    route      TEXT   NOT NULL,
    job_id     TEXT,
    status     BIGINT,
    -- The record that this one is the result of.
    intent     BIGINT,
    hash       TEXT   NOT NULL
);

CREATE INDEX audit_by_job ON audit (job_id, seq) WHERE job_id IS NOT NULL;
CREATE INDEX audit_by_caller ON audit (caller, seq);

-- One row: the last record of the audit. Whoever adds one holds it until the commit.
CREATE TABLE audit_head (
    seq  BIGINT NOT NULL,
    hash TEXT   NOT NULL
);

INSERT INTO audit_head (seq, hash) VALUES (0, '0000000000000000000000000000000000000000000000000000000000000000');
