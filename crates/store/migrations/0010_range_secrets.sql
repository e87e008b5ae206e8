-- Encrypted secrets of ranges: their SSH keys, and the values of their secret variables.

CREATE TABLE range_secrets (
    range_id TEXT NOT NULL PRIMARY KEY REFERENCES ranges (id) ON DELETE CASCADE,
    secrets  TEXT NOT NULL
);
