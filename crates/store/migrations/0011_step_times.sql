-- How long steps of plans took, by platform. They are kept after their range and plan were deleted.

CREATE TABLE step_times (
    plan_id     TEXT   NOT NULL,
    step        BIGINT NOT NULL,
    platform    TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    -- 1 if the step changed something that existed, otherwise 0.
    is_change   BIGINT NOT NULL,
    -- The template of the machine, or the name of the content.
    subject     TEXT   NOT NULL,
    recorded_at BIGINT NOT NULL,
    took_ms     BIGINT NOT NULL,
    PRIMARY KEY (plan_id, step)
);

CREATE INDEX step_times_by_key ON step_times (platform, kind, is_change, subject, recorded_at, plan_id, step);
