-- What had to be measured from a slot (minutes since 1970 UTC) on. Never changed, never deleted.
CREATE TABLE coverage_scheme (
    since  bigint PRIMARY KEY,
    digest text   NOT NULL, -- of the configuration
    duties jsonb  NOT NULL  -- by source: enterprise, tags, unit_of, units, items
);

-- The rows of a source's pages: its tags, in order. A box's own page has one row, without a tag.
CREATE TABLE coverage_layout (
    layout_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source    text   NOT NULL,
    tags      text[] NOT NULL,
    UNIQUE (source, tags)
);

-- An hour of a source: a byte a point and minute, row after row; the bytes are those of hazmon.coverage.facts.
CREATE TABLE coverage_hour (
    hour      timestamptz NOT NULL,
    source    text        NOT NULL, -- or the enterprise, of whose box it is
    layout_id integer     NOT NULL,
    facts     bytea       NOT NULL,
    leaf      bigint,               -- in the ledger; null while it has changed since
    PRIMARY KEY (source, hour)
);
SELECT create_hypertable('coverage_hour', by_range('hour', INTERVAL '30 days'), create_default_indexes => false);
CREATE INDEX coverage_hour_unsealed ON coverage_hour (hour) WHERE leaf IS NULL;

-- A UTC day of a source, judged: a byte a minute (hazmon.coverage.slots.Slot), four bytes a minute of its failing units.
CREATE TABLE coverage_day (
    source  text  NOT NULL,
    day     date  NOT NULL,
    slots   bytea NOT NULL,
    failing bytea,               -- null while nothing failed
    PRIMARY KEY (source, day)
);

-- Stretches of a point that do not count as monitored, and why. Never deleted.
CREATE TABLE coverage_veto (
    veto_id  text        PRIMARY KEY,
    point    text        NOT NULL,
    kind     text        NOT NULL,
    begin_at timestamptz NOT NULL,
    end_at   timestamptz,            -- null: it goes on
    found_at timestamptz NOT NULL,
    evidence jsonb       NOT NULL
);
CREATE INDEX coverage_veto_point ON coverage_veto (point, begin_at);
CREATE INDEX coverage_veto_open ON coverage_veto (veto_id) WHERE end_at IS NULL;

-- When the service ran: what nobody heard in between is the park's own fault.
CREATE TABLE park_run (
    run        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL
);

-- Exemptions are filed, decided and withdrawn, each by somebody and with a reason; what was in force goes on as approved.
ALTER TABLE exemption
    ALTER COLUMN unit DROP NOT NULL, -- the whole source
    ADD COLUMN source        text,
    ADD COLUMN begins_at     timestamptz,
    ADD COLUMN approved_at   timestamptz,
    ADD COLUMN refused_at    timestamptz,
    ADD COLUMN decided_by    text,
    ADD COLUMN decided_why   text,
    ADD COLUMN withdrawn_why text;
ALTER TABLE exemption RENAME COLUMN ended_at TO withdrawn_at;
ALTER TABLE exemption RENAME COLUMN ended_by TO withdrawn_by;
UPDATE exemption SET begins_at = filed_at, approved_at = filed_at, decided_by = filed_by;
ALTER TABLE exemption ALTER COLUMN begins_at SET NOT NULL;
CREATE INDEX exemption_span ON exemption (enterprise, begins_at);

-- A batch as it was judged: when its box made it, and what the box's clock was off (microseconds to add).
ALTER TABLE batch
    ADD COLUMN made_at      timestamptz,
    ADD COLUMN clock_offset bigint NOT NULL DEFAULT 0;
CREATE INDEX batch_span ON batch (edge, first_ts);
