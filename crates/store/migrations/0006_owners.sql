-- Who asked for a job, as a mark that no two callers share and that tells no name; NULL where callers are not known.
-- The queue serves callers by turns, and bounds how many jobs of each wait.
ALTER TABLE jobs ADD COLUMN owner TEXT;
ALTER TABLE jobs ADD COLUMN priority BIGINT NOT NULL DEFAULT 0;

-- The jobs of a caller that wait.
CREATE INDEX queued_by_owner ON jobs (owner) WHERE state = 'queued';
