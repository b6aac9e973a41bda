-- Fingerprints of what points have shown, one for every few minutes that had life, so that what is played again is known again.
CREATE TABLE anchor (
    bucket      integer     NOT NULL, -- of five minutes since 1970 UTC
    point_id    integer     NOT NULL,
    at          timestamptz NOT NULL, -- the window's first sample
    fingerprint bigint      NOT NULL,
    PRIMARY KEY (bucket, point_id)
);
CREATE INDEX anchor_fingerprint ON anchor (fingerprint, at);

-- What has not been looked at yet, noted in the very transaction that records a batch, as minute_due is.
CREATE TABLE honesty_due (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    edge      text   NOT NULL,
    boot      bigint NOT NULL,
    first_seq bigint NOT NULL,
    last_seq  bigint NOT NULL,
    first_ts  timestamptz,           -- null: batches without scans
    last_ts   timestamptz
);

CREATE OR REPLACE FUNCTION note_minutes_due() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    -- live batches of a box lie side by side and are one span; a backlog is another
    WITH span AS (
        SELECT edge, boot, min(seq) AS first_seq, max(seq) AS last_seq, min(first_ts) AS first_ts, max(last_ts) AS last_ts
        FROM entered GROUP BY edge, boot, time_bucket('1 hour', first_ts)
    ), look AS (
        INSERT INTO honesty_due (edge, boot, first_seq, last_seq, first_ts, last_ts) SELECT * FROM span
    )
    INSERT INTO minute_due (edge, first_ts, last_ts)
    SELECT edge, first_ts - INTERVAL '1 second', last_ts + INTERVAL '1 minute' FROM span WHERE first_ts IS NOT NULL;
    RETURN NULL;
END
$$;
