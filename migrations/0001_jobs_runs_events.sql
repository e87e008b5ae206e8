-- Jobs, their runs and their events. The same text runs on SQLite and on PostgreSQL: identifiers are TEXT,
-- times are BIGINT milliseconds since 1970, structured values are JSON in TEXT, words are those of the model.

CREATE TABLE jobs (
    id          TEXT   NOT NULL PRIMARY KEY,
    state       TEXT   NOT NULL,
    reason      TEXT   NOT NULL,
    request     TEXT   NOT NULL,
    -- What the request runs, once more, so that jobs can be looked for by it.
    kind        TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    attempt     BIGINT NOT NULL,
    fence       BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    started_at  BIGINT,
    finished_at BIGINT,
    run_id      TEXT,
    outcome     TEXT,
    last_seq    BIGINT NOT NULL
);

-- The oldest queued job, the place in the queue, listing and counting by state.
CREATE INDEX jobs_by_state ON jobs (state, created_at, id);
-- Listing newest first.
CREATE INDEX jobs_by_time ON jobs (created_at, id);

CREATE TABLE runs (
    id          TEXT   NOT NULL PRIMARY KEY,
    job_id      TEXT   NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    attempt     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    finished_at BIGINT,
    outcome     TEXT,
    UNIQUE (job_id, attempt)
);

CREATE TABLE events (
    job_id  TEXT   NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    seq     BIGINT NOT NULL,
    -- Where a run's event stood in its spool; NULL for events of the job itself.
    run_id  TEXT,
    run_seq BIGINT,
    time    BIGINT NOT NULL,
    kind    TEXT   NOT NULL,
    host    TEXT,
    play    TEXT,
    task    TEXT,
    stdout  TEXT,
    data    TEXT   NOT NULL,
    PRIMARY KEY (job_id, seq),
    UNIQUE (run_id, run_seq)
);
