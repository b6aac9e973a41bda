-- One record through the whole rise and fall of an alarm. `body` is the alarm as JSON; the columns are what is asked for.
ALTER TABLE alarm
    ADD COLUMN kind         text,
    ADD COLUMN first_rule   text,
    ADD COLUMN worst_rule   text,
    ADD COLUMN peak         float8,
    ADD COLUMN raised_count integer,
    ADD COLUMN opened_at    timestamptz,
    ADD COLUMN suppressed   boolean NOT NULL DEFAULT false,
    ADD COLUMN body         jsonb;

CREATE FUNCTION us(at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT (extract(epoch FROM at) * 1000000)::bigint $$;

-- Alarms of before, a record a rule: each becomes a record of its own. Of two limits of one side that stood together, the
-- record goes on in the worse one; it goes on in the milder where that still stands and the worse has returned.
UPDATE alarm SET
    kind = CASE rule WHEN 'H' THEN 'HIGH' WHEN 'HH' THEN 'HIGH' WHEN 'L' THEN 'LOW' WHEN 'LL' THEN 'LOW' ELSE rule END,
    first_rule = rule, worst_rule = rule, raised_count = 1, opened_at = raised_at;
UPDATE alarm hh SET state = 'normal' FROM alarm h
    WHERE h.rule IN ('H', 'L') AND hh.rule = h.rule || h.rule AND (hh.enterprise, hh.tag) = (h.enterprise, h.tag)
    AND NOT h.late AND NOT hh.late AND hh.state = 'returned_unacknowledged' AND h.state IN ('unacknowledged', 'acknowledged');
UPDATE alarm h SET state = 'normal' FROM alarm hh
    WHERE h.rule IN ('H', 'L') AND hh.rule = h.rule || h.rule AND (hh.enterprise, hh.tag) = (h.enterprise, h.tag)
    AND NOT h.late AND NOT hh.late AND h.state <> 'normal' AND hh.state <> 'normal';
UPDATE alarm SET body = jsonb_build_object(
    'id', alarm_id,
    'subject', jsonb_build_object('enterprise', enterprise, 'tag', tag, 'source', source, 'name', name, 'uom', uom),
    'kind', kind, 'priority', priority, 'state', state, 'opened_at', us(raised_at), 'late', late,
    'holding', CASE WHEN state IN ('unacknowledged', 'acknowledged') THEN jsonb_build_array(rule) ELSE '[]' END,
    'first', jsonb_build_object('rule', rule, 'at', us(raised_at), 'value', value, 'limit', limit_value),
    'worst', jsonb_build_object('rule', rule, 'at', us(raised_at), 'value', value, 'limit', limit_value),
    'current', jsonb_build_object('rule', rule, 'at', us(raised_at), 'value', value, 'limit', limit_value),
    'raised_at', us(raised_at), 'raised', 1, 'acknowledged_at', us(acknowledged_at), 'acknowledged_by', acknowledged_by,
    'cleared_at', us(cleared_at), 'event', event,
    'waiting_since', CASE WHEN state IN ('unacknowledged', 'returned_unacknowledged') THEN us(raised_at) END);
ALTER TABLE alarm
    ALTER COLUMN kind SET NOT NULL,
    ALTER COLUMN raised_count SET NOT NULL,
    ALTER COLUMN opened_at SET NOT NULL,
    ALTER COLUMN raised_at DROP NOT NULL, -- a record that was opened by shelving has not been raised
    ALTER COLUMN body SET NOT NULL,
    DROP COLUMN acknowledged_at, DROP COLUMN acknowledged_by, DROP COLUMN cleared_at, DROP COLUMN value, DROP COLUMN limit_value,
    DROP COLUMN uom, DROP COLUMN name;
DROP INDEX alarm_open;
CREATE INDEX alarm_open ON alarm (opened_at) WHERE state <> 'normal' OR suppressed;
DROP INDEX alarm_raised;
CREATE INDEX alarm_opened ON alarm (opened_at DESC, alarm_id DESC);

-- `after` is the alarm as the event left it.
ALTER TABLE alarm_event
    ADD COLUMN rule        text,
    ADD COLUMN suppressed  boolean NOT NULL DEFAULT false,
    ADD COLUMN evidence    jsonb,
    ADD COLUMN after       jsonb;
UPDATE alarm_event e SET rule = a.first_rule, after = a.body || jsonb_build_object('state', e.to_state, 'event', e.event)
    FROM alarm a WHERE a.alarm_id = e.alarm_id;
DELETE FROM alarm_event WHERE after IS NULL;
ALTER TABLE alarm_event ALTER COLUMN rule SET NOT NULL, ALTER COLUMN after SET NOT NULL;

-- The same excursion found again, as in a backlog that is sent twice, is one; what people say may be said twice.
DROP INDEX alarm_event_once;
CREATE UNIQUE INDEX alarm_event_once ON alarm_event (alarm_id, stimulus, at) WHERE by IS NULL AND stimulus IN ('raise', 'raise_late', 'clear');
CREATE INDEX alarm_event_alarm ON alarm_event (alarm_id, event);
CREATE INDEX alarm_event_at ON alarm_event (at);

-- 停用/检修: units whose alarms mean nothing for a while. Never deleted; ended with a reason.
CREATE TABLE exemption (
    exemption_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    enterprise   text        NOT NULL,
    unit         text        NOT NULL,
    kind         text        NOT NULL,
    reason       text        NOT NULL,
    filed_at     timestamptz NOT NULL,
    filed_by     text        NOT NULL,
    until        timestamptz NOT NULL,
    ended_at     timestamptz,
    ended_by     text
);
CREATE INDEX exemption_until ON exemption (until) WHERE ended_at IS NULL;
