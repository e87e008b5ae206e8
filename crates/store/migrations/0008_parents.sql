-- The job that submitted a job as a part of its own work; who submitted it, as JSON, NULL where that was not stored.
ALTER TABLE jobs ADD COLUMN parent TEXT;
ALTER TABLE jobs ADD COLUMN submitted_by TEXT;

-- The children of a job.
CREATE INDEX jobs_by_parent ON jobs (parent, created_at, id) WHERE parent IS NOT NULL;
