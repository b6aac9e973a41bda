-- What minute aggregates still owe. Filled in the very transaction that records a batch, so that no order of commits, no crash
-- and no late batch can pass it by; times of arrival could not promise that.
CREATE TABLE minute_due (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    edge     text        NOT NULL,
    first_ts timestamptz NOT NULL,
    last_ts  timestamptz NOT NULL
);
DROP TABLE minute_cursor;

-- A scan's readings may lie beside its time: by up to a minute after it, by a trifle before.
CREATE FUNCTION note_minutes_due() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    INSERT INTO minute_due (edge, first_ts, last_ts)
    SELECT edge, min(first_ts) - INTERVAL '1 second', max(last_ts) + INTERVAL '1 minute'
    FROM entered WHERE first_ts IS NOT NULL
    -- live batches of a box lie side by side and are one span; a backlog is another
    GROUP BY edge, time_bucket('1 hour', first_ts);
    RETURN NULL;
END
$$;
CREATE TRIGGER batch_minutes_due AFTER INSERT ON batch REFERENCING NEW TABLE AS entered
    FOR EACH STATEMENT EXECUTE FUNCTION note_minutes_due();

-- The scans that are recorded already.
INSERT INTO minute_due (edge, first_ts, last_ts)
SELECT edge, min(first_ts) - INTERVAL '1 second', max(last_ts) + INTERVAL '1 minute'
FROM batch WHERE first_ts IS NOT NULL GROUP BY edge, time_bucket('1 hour', first_ts);
