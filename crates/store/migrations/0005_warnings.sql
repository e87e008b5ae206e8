-- Each look at a job shows its warnings, of which there are few among many events.
CREATE INDEX events_of_warnings ON events (job_id, seq) WHERE kind = 'warning';
