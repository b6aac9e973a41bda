-- What is said seldom is found without reading the pages of facts between.
CREATE INDEX statement_kind ON statement (kind, n) WHERE kind <> 'facts' AND kind <> 'event';
