-- Ranges, their plans with journals, and what they lease on their platforms.

-- One row: the service that uses this database. What its ranges consist of carries this name on every platform.
CREATE TABLE identity (
    id   BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    name TEXT   NOT NULL
);

CREATE TABLE ranges (
    id         TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL UNIQUE,
    platform   TEXT   NOT NULL,
    state      TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    -- Its last plan; the row of that refers to this one.
    plan_id    TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    expires_at BIGINT,
    document   TEXT   NOT NULL,
    -- What exists of it, as of the end of its last plan.
    recorded   TEXT   NOT NULL
);

CREATE INDEX ranges_by_time ON ranges (created_at, id);
CREATE INDEX ranges_by_expiry ON ranges (expires_at, id) WHERE expires_at IS NOT NULL;

CREATE TABLE plans (
    id         TEXT   NOT NULL PRIMARY KEY,
    range_id   TEXT   NOT NULL REFERENCES ranges (id) ON DELETE CASCADE,
    -- The job that carries it out: only its holder writes the journal.
    job_id     TEXT   NOT NULL,
    phase      TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    plan       TEXT   NOT NULL
);

CREATE INDEX plans_by_range ON plans (range_id, created_at, id);
CREATE INDEX plans_by_job ON plans (job_id);

-- The steps of plans, from 0.
CREATE TABLE journal (
    plan_id TEXT   NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
    step    BIGINT NOT NULL,
    state   TEXT   NOT NULL,
    tag     TEXT   NOT NULL,
    handle  TEXT,
    output  TEXT,
    why     TEXT,
    remedy  TEXT,
    took_ms BIGINT,
    PRIMARY KEY (plan_id, step)
);

-- One row for each platform. A transaction that takes leases writes the row before it reads what is taken.
CREATE TABLE lease_turns (
    platform TEXT   NOT NULL PRIMARY KEY,
    turns    BIGINT NOT NULL
);

-- Subnets, addresses and numbers that ranges hold. A range with leases is not deleted.
CREATE TABLE range_leases (
    platform TEXT NOT NULL,
    kind     TEXT NOT NULL,
    pool     TEXT NOT NULL,
    value    TEXT NOT NULL,
    range_id TEXT NOT NULL REFERENCES ranges (id),
    name     TEXT NOT NULL,
    -- First and last address of a subnet: 32 hexadecimal digits each, so that texts are ordered as numbers.
    first    TEXT,
    last     TEXT,
    PRIMARY KEY (platform, kind, pool, value)
);

CREATE INDEX range_leases_by_range ON range_leases (range_id, kind, pool, value);
-- Subnets with the same first address overlap; the store finds other overlaps with this index.
CREATE UNIQUE INDEX range_leases_by_first ON range_leases (platform, kind, pool, first) WHERE first IS NOT NULL;
