-- The append-only record: a tree of SHA-256 as in RFC 9162, in tiles of 256 hashes. What stands in it is never changed.
-- Leaves that do not fill a tile yet.
CREATE TABLE ledger_leaf (
    n    bigint PRIMARY KEY,
    hash bytea  NOT NULL
);

-- Full tiles; above level 0 also the last one of a level as far as it is filled.
CREATE TABLE ledger_tile (
    level  smallint NOT NULL,
    number bigint   NOT NULL,
    hashes bytea    NOT NULL,
    PRIMARY KEY (level, number)
);

-- What the leaves of batches say: the box's bytes, exactly as received, zstd. Retention lets go of them; their hashes stay.
CREATE TABLE evidence (
    n          bigint      NOT NULL,
    arrived_at timestamptz NOT NULL,
    edge       text        NOT NULL,
    boot       bigint      NOT NULL,
    seq        bigint      NOT NULL,
    clock_offset bigint    NOT NULL,
    body       bytea       NOT NULL
);
SELECT create_hypertable('evidence', by_range('arrived_at', INTERVAL '1 day'), create_default_indexes => false);
CREATE INDEX evidence_n ON evidence (n);

-- What all other leaves say, whole and for ever, zstd. `number` counts them, so that none can be left out of a list.
CREATE TABLE statement (
    n       bigint      PRIMARY KEY,
    number  bigint      NOT NULL UNIQUE,
    kind    text        NOT NULL,
    at      timestamptz NOT NULL,
    content bytea       NOT NULL
);
CREATE INDEX statement_at ON statement (at);

-- Said outside the writer's transactions, and put into the ledger by it within a moment.
CREATE TABLE ledger_pending (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text   NOT NULL,
    body jsonb  NOT NULL
);

CREATE TABLE checkpoint (
    size bigint      NOT NULL,
    at   timestamptz NOT NULL,
    day  date,                  -- on a day's seal
    note text        NOT NULL,
    PRIMARY KEY (at, size)
);
CREATE INDEX checkpoint_day ON checkpoint (day) WHERE day IS NOT NULL;

-- `simulated`: its times were told, not measured; it stays so for ever.
CREATE TABLE record_mark (
    mark text PRIMARY KEY,
    at   timestamptz NOT NULL
);
