-- The park's record. A scan is one row: the points a box reads together, at one instant.

CREATE TABLE edge_token (
    edge         text        NOT NULL,
    token_sha256 bytea       NOT NULL UNIQUE,
    created_at   timestamptz NOT NULL DEFAULT now(),
    revoked_at   timestamptz
);

CREATE TABLE point (
    point_id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    enterprise text NOT NULL,
    tag        text NOT NULL,
    UNIQUE (enterprise, tag)
);

-- One version of a scan group's membership; a changed membership is a new row, the old scans keep theirs.
CREATE TABLE scan_group (
    group_id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    edge       text        NOT NULL,
    name       text        NOT NULL,
    period_us  bigint      NOT NULL,
    digest     bytea       NOT NULL,
    point_ids  integer[]   NOT NULL, -- in column order; 0 = a tag the configuration does not know
    tags       text[]      NOT NULL,
    first_seen timestamptz NOT NULL DEFAULT now(),
    UNIQUE (edge, digest)
);

CREATE TABLE scan (
    ts         timestamptz NOT NULL,
    group_id   integer     NOT NULL,
    lag_ms     integer     NOT NULL,          -- arrival minus ts
    "values"   float8[]    NOT NULL,          -- NaN where quality says there is none
    quality    bytea,                         -- a byte a point; null when all are good
    offsets    integer[],                     -- ms after ts; null when all are at ts
    PRIMARY KEY (group_id, ts)
);
SELECT create_hypertable('scan', by_range('ts', INTERVAL '1 day'), create_default_indexes => false);

-- The ledger row that makes a batch idempotent.
CREATE TABLE batch (
    edge       text        NOT NULL,
    boot       bigint      NOT NULL,
    seq        bigint      NOT NULL,
    digest     bytea       NOT NULL,
    previous   bytea       NOT NULL,
    arrived_at timestamptz NOT NULL,
    first_ts   timestamptz,
    last_ts    timestamptz,
    readings   integer     NOT NULL,
    missed     bigint      NOT NULL,
    refused    bigint      NOT NULL,
    raw        bytea,                         -- the batch's own bytes, kept whole when anything in it was refused
    PRIMARY KEY (edge, boot, seq)
);
CREATE INDEX batch_arrived ON batch (arrived_at);

CREATE TABLE miss (
    at         timestamptz NOT NULL,
    group_id   integer     NOT NULL,
    column_no  integer,                       -- null = every point of the group
    count      integer     NOT NULL,
    cause      smallint    NOT NULL
);
SELECT create_hypertable('miss', by_range('at', INTERVAL '7 days'), create_default_indexes => false);
CREATE INDEX miss_group ON miss (group_id, at);

-- Readings that were refused, by name; their values are in the batch's own bytes.
CREATE TABLE refused (
    arrived_at timestamptz NOT NULL,
    edge       text        NOT NULL,
    boot       bigint      NOT NULL,
    seq        bigint      NOT NULL,
    tag        text        NOT NULL,
    at         timestamptz NOT NULL,
    count      integer     NOT NULL,
    reason     text        NOT NULL
);
CREATE INDEX refused_arrived ON refused (arrived_at);

CREATE TABLE minute (
    minute     timestamptz NOT NULL,
    point_id   integer     NOT NULL,
    good       integer     NOT NULL,
    low        float8      NOT NULL,
    high       float8      NOT NULL,
    mean       float8      NOT NULL,
    last       float8      NOT NULL,
    PRIMARY KEY (point_id, minute)
);
SELECT create_hypertable('minute', by_range('minute', INTERVAL '30 days'), create_default_indexes => false);

-- Batches that arrived up to here are in `minute`.
CREATE TABLE minute_cursor (arrived_at timestamptz NOT NULL);
INSERT INTO minute_cursor VALUES ('-infinity');

CREATE TABLE alarm (
    alarm_id        text        PRIMARY KEY,
    enterprise      text        NOT NULL,
    source          text        NOT NULL,
    tag             text        NOT NULL,
    rule            text        NOT NULL,
    priority        smallint    NOT NULL,
    state           text        NOT NULL,
    raised_at       timestamptz NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by text,
    cleared_at      timestamptz,
    value           float8,
    limit_value     float8,
    uom             text        NOT NULL,
    name            text        NOT NULL,
    late            boolean     NOT NULL,
    event           bigint      NOT NULL
);
CREATE INDEX alarm_open ON alarm (state) WHERE state <> 'normal';
CREATE INDEX alarm_raised ON alarm (raised_at DESC, alarm_id DESC);

-- Append-only. The number is given by the engine, in the order in which the room saw the events.
CREATE TABLE alarm_event (
    event      bigint      PRIMARY KEY,
    alarm_id   text        NOT NULL,
    at         timestamptz NOT NULL,
    stimulus   text        NOT NULL,
    from_state text        NOT NULL,
    to_state   text        NOT NULL,
    by         text,
    value      float8,
    reason     text        NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX alarm_event_once ON alarm_event (alarm_id, stimulus, at);

CREATE FUNCTION good_quality(quality bytea, column_no integer) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE WHEN quality IS NULL THEN 0 ELSE get_byte(quality, column_no - 1) END::smallint $$;

-- Every reading as a row, for SQL users. 128 is a hole in the scan, not a reading.
CREATE VIEW reading AS
SELECT p.enterprise, p.tag, p.point_id,
       s.ts + COALESCE(s.offsets[c.column_no], 0) * INTERVAL '1 ms' AS ts,
       NULLIF(s."values"[c.column_no], 'NaN'::float8) AS value,
       good_quality(s.quality, c.column_no::integer) AS quality,
       s.ts + s.lag_ms * INTERVAL '1 ms' AS arrived_at
FROM scan s
JOIN scan_group g USING (group_id)
CROSS JOIN LATERAL unnest(g.point_ids) WITH ORDINALITY AS c (point_id, column_no)
JOIN point p ON p.point_id = c.point_id
WHERE good_quality(s.quality, c.column_no::integer) <> 128;

-- The readings of one point: readings('E01/LT-1101', now() - interval '1 hour', now()).
CREATE FUNCTION readings(point text, "from" timestamptz, "to" timestamptz)
RETURNS TABLE (ts timestamptz, value float8, quality smallint, arrived_at timestamptz)
LANGUAGE sql STABLE AS
$$
    SELECT r.ts, r.value, r.quality, r.arrived_at
    FROM (
        SELECT s.ts + COALESCE(s.offsets[c.column_no], 0) * INTERVAL '1 ms' AS ts,
               NULLIF(s."values"[c.column_no], 'NaN'::float8) AS value,
               good_quality(s.quality, c.column_no) AS quality,
               s.ts + s.lag_ms * INTERVAL '1 ms' AS arrived_at
        FROM (
            SELECT g.group_id, array_position(g.point_ids, p.point_id) AS column_no
            FROM point p JOIN scan_group g ON g.edge = p.enterprise
            WHERE p.enterprise = split_part($1, '/', 1) AND p.tag = split_part($1, '/', 2)
        ) c
        JOIN scan s ON s.group_id = c.group_id
        WHERE c.column_no IS NOT NULL
          AND s.ts >= $2 - INTERVAL '1 minute' AND s.ts < $3 + INTERVAL '1 minute'
    ) r
    WHERE r.quality <> 128 AND r.ts >= $2 AND r.ts < $3
    ORDER BY r.ts
$$;
