CREATE TABLE IF NOT EXISTS lanes(
  id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, sink TEXT NOT NULL, UNIQUE(tenant, sink));
CREATE TABLE IF NOT EXISTS offsets(partition INTEGER PRIMARY KEY, next INTEGER NOT NULL);
-- What the CRM holds of each record, and what became of its newest revision. kind 'known': the id is known, and no outcome yet.
CREATE TABLE IF NOT EXISTS links(
  lane INTEGER NOT NULL, record_key TEXT NOT NULL, object INTEGER NOT NULL, partition INTEGER, kind TEXT NOT NULL,
  revision INTEGER NOT NULL, remote_id TEXT, content_hash TEXT, attempts INTEGER NOT NULL, alias_of TEXT, filled TEXT NOT NULL,
  associated TEXT NOT NULL, code TEXT, field TEXT, at INTEGER NOT NULL, PRIMARY KEY(lane, record_key)) WITHOUT ROWID;
-- The newest desired state of each record that is not at rest. blocked_by: it goes after that record. turns: it, or a
-- revision before it that may have reached the CRM, merges or removes the record, so that its id may not be what it was.
CREATE TABLE IF NOT EXISTS waiting(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, lane INTEGER NOT NULL, record_key TEXT NOT NULL, object INTEGER NOT NULL,
  partition INTEGER NOT NULL, revision INTEGER NOT NULL, body BLOB NOT NULL, since INTEGER NOT NULL, due INTEGER NOT NULL,
  attempts INTEGER NOT NULL, lookups INTEGER NOT NULL, blocked_by TEXT, announced INTEGER NOT NULL, turns INTEGER NOT NULL, UNIQUE(lane, record_key));
CREATE INDEX IF NOT EXISTS waiting_ready ON waiting(lane, object, seq) WHERE blocked_by IS NULL;
CREATE INDEX IF NOT EXISTS waiting_oldest ON waiting(lane, seq);
CREATE INDEX IF NOT EXISTS waiting_blocked ON waiting(lane, blocked_by) WHERE blocked_by IS NOT NULL;
CREATE INDEX IF NOT EXISTS waiting_unannounced ON waiting(lane, seq) WHERE announced = 0;
-- Refused records with their desired state, to be tried again.
CREATE TABLE IF NOT EXISTS rejected(
  lane INTEGER NOT NULL, record_key TEXT NOT NULL, object INTEGER NOT NULL, partition INTEGER NOT NULL, revision INTEGER NOT NULL,
  code TEXT NOT NULL, field TEXT, blocked_by TEXT, at INTEGER NOT NULL, attempts INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY(lane, record_key));
CREATE INDEX IF NOT EXISTS rejected_code ON rejected(lane, code);
CREATE INDEX IF NOT EXISTS rejected_blocked ON rejected(lane, blocked_by) WHERE blocked_by IS NOT NULL;
-- Names of the properties of contacts that are ours: a merge empties them in the record that goes.
CREATE TABLE IF NOT EXISTS names(lane INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY(lane, name)) WITHOUT ROWID;
-- Records by what became of them and of the code, kept by triggers, so that a page needs no scan.
CREATE TABLE IF NOT EXISTS census(
  lane INTEGER NOT NULL, kind TEXT NOT NULL, code TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY(lane, kind, code)) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS links_in AFTER INSERT ON links BEGIN
  INSERT INTO census VALUES (new.lane, new.kind, ifnull(new.code, ''), 1) ON CONFLICT DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER IF NOT EXISTS links_out AFTER DELETE ON links BEGIN
  UPDATE census SET count = count - 1 WHERE lane = old.lane AND kind = old.kind AND code = ifnull(old.code, '');
END;
CREATE TRIGGER IF NOT EXISTS links_changed AFTER UPDATE OF kind, code ON links
WHEN old.kind <> new.kind OR ifnull(old.code, '') <> ifnull(new.code, '') BEGIN
  UPDATE census SET count = count - 1 WHERE lane = old.lane AND kind = old.kind AND code = ifnull(old.code, '');
  INSERT INTO census VALUES (new.lane, new.kind, ifnull(new.code, ''), 1) ON CONFLICT DO UPDATE SET count = count + 1;
END;
CREATE TABLE IF NOT EXISTS waiting_count(lane INTEGER PRIMARY KEY, count INTEGER NOT NULL);
CREATE TRIGGER IF NOT EXISTS waiting_in AFTER INSERT ON waiting BEGIN
  INSERT INTO waiting_count VALUES (new.lane, 1) ON CONFLICT DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER IF NOT EXISTS waiting_out AFTER DELETE ON waiting BEGIN
  UPDATE waiting_count SET count = count - 1 WHERE lane = old.lane;
END;
