-- What is compared for its order, in pages and at equal times, has the order of its bytes, as in SQLite, whatever
-- the language of the database.
ALTER TABLE users ALTER COLUMN username_key TYPE TEXT COLLATE "C";

ALTER TABLE sessions ALTER COLUMN sid TYPE TEXT COLLATE "C";

ALTER TABLE signing_keys ALTER COLUMN kid TYPE TEXT COLLATE "C";

-- A refresh changes no column of an index: with room on the page, the new version of the row goes beside the old one
-- and no index is written (a HOT update).
ALTER TABLE sessions SET (fillfactor = 70);

-- Whoever listens hears of each commit that moved the revocation log, and only of those.
CREATE FUNCTION keyturn_tell_of_revocations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('keyturn_revocations', ''); RETURN NULL; END
$$;

CREATE TRIGGER keyturn_revocations AFTER UPDATE ON revocation_sequence
FOR EACH ROW WHEN (NEW.last <> OLD.last) EXECUTE FUNCTION keyturn_tell_of_revocations();
