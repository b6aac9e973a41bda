-- One word for each kind; an exemption is of a unit or of a source, is decided once, and ends after it begins.
UPDATE exemption SET kind = CASE kind WHEN 'stopped' THEN '停用' WHEN 'maintenance' THEN '检修' ELSE kind END;
ALTER TABLE exemption
    ADD CONSTRAINT exemption_target CHECK (unit IS NOT NULL OR source IS NOT NULL),
    ADD CONSTRAINT exemption_ends_later CHECK (begins_at < until),
    ADD CONSTRAINT exemption_decided_once CHECK (approved_at IS NULL OR refused_at IS NULL);
CREATE INDEX exemption_source ON exemption (source, begins_at);
