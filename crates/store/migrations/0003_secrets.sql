-- The values of a job's secret variables, encrypted: `v1.<key>.<nonce>.<ciphertext>`. NULL when the job has none, and
-- once it has ended and will not run again by itself.
ALTER TABLE jobs ADD COLUMN secrets TEXT;

-- What rotation looks for: few jobs have any.
CREATE INDEX jobs_with_secrets ON jobs (id) WHERE secrets IS NOT NULL;
