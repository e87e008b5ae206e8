-- Resources are locked exclusively or shared, by jobs at work and by owners: things that hold them beyond any job.

-- The owner that a job acts for; it may use what that owner holds.
ALTER TABLE jobs ADD COLUMN acts_for TEXT;

ALTER TABLE waits ADD COLUMN shared BIGINT NOT NULL DEFAULT 0;
-- That of the job.
ALTER TABLE waits ADD COLUMN acts_for TEXT;

-- The resources that jobs at work have. Whoever takes or releases one, job or owner, writes its row first: that keeps
-- two transactions from deciding at once.
CREATE TABLE resource_locks (
    resource TEXT   NOT NULL PRIMARY KEY,
    shared   BIGINT NOT NULL,
    -- How many jobs have it: one at most unless it is shared.
    holders  BIGINT NOT NULL
);

CREATE TABLE resource_holders (
    resource TEXT NOT NULL,
    job_id   TEXT NOT NULL REFERENCES jobs (id),
    acts_for TEXT,
    PRIMARY KEY (resource, job_id)
);

CREATE INDEX resource_holders_by_job ON resource_holders (job_id, resource);

-- The resources that owners have, until they release them.
CREATE TABLE resource_owners (
    resource TEXT   NOT NULL,
    owner    TEXT   NOT NULL,
    shared   BIGINT NOT NULL,
    PRIMARY KEY (resource, owner)
);

CREATE INDEX resource_owners_by_owner ON resource_owners (owner, resource);

INSERT INTO resource_locks (resource, shared, holders) SELECT resource, 0, 1 FROM locks;
INSERT INTO resource_holders (resource, job_id) SELECT resource, job_id FROM locks;
DROP TABLE locks;
