-- Jobs, their runs and their events. The same text runs on SQLite and on PostgreSQL: identifiers are TEXT,
-- times are BIGINT milliseconds since 1970, structured values are JSON in TEXT, words are those of the model.

-- Large columns stand last: SQLite reads a row from its front, and lists do not need them.
CREATE TABLE jobs (
    id          TEXT   NOT NULL PRIMARY KEY,
    state       TEXT   NOT NULL,
    -- What the request runs, once more, so that jobs can be looked for by it.
    kind        TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    attempt     BIGINT NOT NULL,
    -- Raised by every claim and every takeover.
    fence       BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    queued_at   BIGINT NOT NULL,
    -- queued_at less a minute for each point of priority: whoever has the smallest is next. Waiting counts for
    -- everybody alike, so the order of two waiting jobs never changes and can stand in an index.
    queue_key   BIGINT NOT NULL,
    started_at  BIGINT,
    -- Set in the states that are ends, and in no other.
    finished_at BIGINT,
    run_id      TEXT,
    -- Who holds the job, and until when; set while a run is at work, and at no other time.
    node        TEXT,
    lease_until BIGINT,
    rc          BIGINT,
    last_seq    BIGINT NOT NULL,
    -- Sums over the job's events: lines printed, bytes stored.
    line_end    BIGINT NOT NULL,
    bytes       BIGINT NOT NULL,
    -- Tasks that the current attempt has begun.
    tasks       BIGINT NOT NULL,
    resume      TEXT,
    reason      TEXT   NOT NULL,
    request     TEXT   NOT NULL,
    last_lines  TEXT,
    outcome     TEXT
);

-- The next queued job, the place in the queue.
CREATE INDEX jobs_by_turn ON jobs (state, queue_key, id);
-- Listing newest first: all, of one state, of one content.
CREATE INDEX jobs_by_time ON jobs (created_at, id);
CREATE INDEX jobs_by_state ON jobs (state, created_at, id);
CREATE INDEX jobs_by_content ON jobs (kind, name, created_at, id);
-- The last good run of some content.
CREATE INDEX jobs_by_end ON jobs (kind, name, state, finished_at);
-- What may go, oldest first.
CREATE INDEX jobs_by_age ON jobs (finished_at, id, bytes);

CREATE TABLE job_labels (
    job_id     TEXT   NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    key        TEXT   NOT NULL,
    value      TEXT   NOT NULL,
    -- That of the job, so that a page in order comes from one index.
    created_at BIGINT NOT NULL,
    PRIMARY KEY (job_id, key)
);

CREATE INDEX job_labels_by_key ON job_labels (key, created_at, job_id);
CREATE INDEX job_labels_by_value ON job_labels (key, value, created_at, job_id);

-- The resources that queued jobs wait for, each in the order of the queue.
CREATE TABLE waits (
    resource  TEXT   NOT NULL,
    queue_key BIGINT NOT NULL,
    job_id    TEXT   NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    PRIMARY KEY (resource, queue_key, job_id)
);

CREATE INDEX waits_by_job ON waits (job_id, resource);

-- The resources that jobs at work have for themselves.
CREATE TABLE locks (
    resource TEXT NOT NULL PRIMARY KEY,
    job_id   TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE
);

CREATE INDEX locks_by_job ON locks (job_id);

-- The keys under which callers asked for jobs, so that asking again gives the same job.
CREATE TABLE idempotency (
    key        TEXT   NOT NULL PRIMARY KEY,
    body_hash  TEXT   NOT NULL,
    job_id     TEXT   NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL
);

CREATE INDEX idempotency_by_job ON idempotency (job_id);

CREATE TABLE runs (
    id          TEXT   NOT NULL PRIMARY KEY,
    job_id      TEXT   NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    attempt     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    finished_at BIGINT,
    outcome     TEXT,
    UNIQUE (job_id, attempt)
);

-- No reference to jobs: a deleted job is gone at once, its events are cleared away bit by bit.
CREATE TABLE events (
    job_id   TEXT   NOT NULL,
    seq      BIGINT NOT NULL,
    -- Its number among the events of all jobs, in the order in which they were committed.
    position BIGINT NOT NULL UNIQUE,
    -- Where a run's event stood in its spool; NULL for events of the job itself.
    run_id   TEXT,
    run_seq  BIGINT,
    time     BIGINT NOT NULL,
    kind     TEXT   NOT NULL,
    host     TEXT,
    play     TEXT,
    task     TEXT,
    changed  BIGINT NOT NULL,
    failed   BIGINT NOT NULL,
    -- How many lines the job has printed when this event is told.
    line_end BIGINT NOT NULL,
    stdout   TEXT,
    data     TEXT   NOT NULL,
    PRIMARY KEY (job_id, seq),
    UNIQUE (run_id, run_seq)
);

CREATE INDEX events_by_host ON events (job_id, host, seq) WHERE host IS NOT NULL;
CREATE INDEX events_changed ON events (job_id, seq) WHERE changed = 1;
CREATE INDEX events_failed ON events (job_id, seq) WHERE failed = 1;
CREATE INDEX events_by_line ON events (job_id, line_end) WHERE stdout IS NOT NULL;

-- One row: the position of the last event of all. Whoever writes an event holds it until the commit.
CREATE TABLE event_position (
    last BIGINT NOT NULL
);

INSERT INTO event_position (last) VALUES (0);

-- Jobs that are deleted, and whose events are not all gone yet.
CREATE TABLE deletions (
    job_id TEXT NOT NULL PRIMARY KEY
);
