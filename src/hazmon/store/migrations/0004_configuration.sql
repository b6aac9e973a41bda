-- Which configuration was in force from when on. Never changed, never deleted.
CREATE TABLE configuration (
    number  integer     PRIMARY KEY,
    digest  text        NOT NULL, -- of the folder's files, as hex
    at      timestamptz NOT NULL,
    by      text        NOT NULL,
    why     text        NOT NULL,
    changes jsonb       NOT NULL  -- [{subject, field, old, new}]; empty at the start of a service, which knows no older one
);
