-- How often in a row a run of the job ended before Ansible was executed, weighted by what ended it. 0 once the job is retried.
ALTER TABLE jobs ADD COLUMN never_began BIGINT NOT NULL DEFAULT 0;
