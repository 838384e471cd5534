-- Tables with long rows are heaps with a unique index: ids are random, and a row that lies in the tree of its key makes
-- a batch dirty a page for each row.

-- How far each topic has been applied; written in the transaction of the facts.
CREATE TABLE offsets(
  topic TEXT NOT NULL, partition INTEGER NOT NULL, next_offset INTEGER NOT NULL,
  PRIMARY KEY(topic, partition)
) WITHOUT ROWID;

-- People who exist.
CREATE TABLE contacts(
  person_id TEXT NOT NULL PRIMARY KEY, tenant TEXT NOT NULL, country TEXT, name TEXT,
  updated_at INTEGER NOT NULL, revision INTEGER NOT NULL
) WITHOUT ROWID;

-- People who are part of another one.
CREATE TABLE aliases(
  person_id TEXT NOT NULL PRIMARY KEY, tenant TEXT NOT NULL, survivor TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX aliases_by_survivor ON aliases(survivor);

-- What people are known by; former since valid_to.
CREATE TABLE identifiers(
  person_id TEXT NOT NULL, ordinal INTEGER NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,
  valid_from INTEGER, valid_to INTEGER,
  PRIMARY KEY(person_id, ordinal)
) WITHOUT ROWID;
CREATE INDEX identifiers_by_value ON identifiers(value);

-- Open suggestions that two people are one; each stands with both. other_person_id is null for a record of a CRM.
CREATE TABLE proposals(
  person_id TEXT NOT NULL, ordinal INTEGER NOT NULL, other_person_id TEXT, rule TEXT NOT NULL,
  rule_version INTEGER NOT NULL, confidence_percent INTEGER NOT NULL, blocker TEXT, proposed_at INTEGER NOT NULL,
  evidence TEXT NOT NULL,
  PRIMARY KEY(person_id, ordinal)
) WITHOUT ROWID;

-- Decisions about people that hold; each stands with everybody whom it names. Sides as JSON.
CREATE TABLE decisions(
  person_id TEXT NOT NULL, ordinal INTEGER NOT NULL, ruling TEXT NOT NULL, decided_at INTEGER NOT NULL,
  actor TEXT NOT NULL, reason TEXT NOT NULL, user TEXT NOT NULL, other TEXT NOT NULL,
  PRIMARY KEY(person_id, ordinal)
) WITHOUT ROWID;

CREATE TABLE sessions(
  session_id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL, person_id TEXT NOT NULL, conversation_id TEXT,
  phone_number_id TEXT, opened_at INTEGER NOT NULL, opened_by TEXT NOT NULL, closed_at INTEGER, close_reason TEXT,
  first_customer_at INTEGER, frt_human_started_at INTEGER, frt_human_stopped_at INTEGER, frt_human_agent TEXT,
  frt_any_started_at INTEGER, frt_any_stopped_at INTEGER, outcome TEXT, queue TEXT, reason TEXT, reopens TEXT,
  test INTEGER NOT NULL, revision INTEGER NOT NULL
);
CREATE INDEX sessions_by_person ON sessions(person_id);
CREATE INDEX sessions_by_conversation ON sessions(conversation_id, opened_at);

-- What was told of a message: received, sent (outbound line or echo), history. One message may have several.
CREATE TABLE message_parts(
  tenant TEXT NOT NULL, message_id TEXT NOT NULL, part TEXT NOT NULL, event_time INTEGER NOT NULL,
  revision INTEGER NOT NULL, type TEXT NOT NULL, direction TEXT NOT NULL, person_id TEXT, conversation_id TEXT,
  session_id TEXT, phone_number_id TEXT, group_id TEXT, author_kind TEXT, author_id TEXT, template TEXT, language TEXT,
  category TEXT, campaign TEXT, segment TEXT, reply_to TEXT, referral TEXT, opt_out INTEGER NOT NULL,
  window_expires_at INTEGER, content TEXT, test INTEGER NOT NULL, source TEXT NOT NULL, text TEXT,
  window_identifier_kind TEXT, window_identifier TEXT,
  UNIQUE(tenant, message_id, part)
);
CREATE INDEX message_parts_by_session ON message_parts(session_id, event_time) WHERE session_id IS NOT NULL;
CREATE INDEX message_parts_by_time ON message_parts(tenant, event_time) WHERE conversation_id IS NOT NULL;
CREATE INDEX message_parts_changes ON message_parts(tenant, reply_to, type, event_time) WHERE type IN ('edit', 'revoke');
CREATE INDEX message_parts_opt_out ON message_parts(person_id) WHERE opt_out;

-- What became of a message.
CREATE TABLE message_status(
  tenant TEXT NOT NULL, message_id TEXT NOT NULL, revision INTEGER NOT NULL, effective_status TEXT,
  accepted_at INTEGER, sent_at INTEGER, delivered_at INTEGER, read_at INTEGER, played_at INTEGER, failed_at INTEGER,
  first_status_at INTEGER, error_codes TEXT NOT NULL, error_class TEXT, pricing_type TEXT, pricing_category TEXT,
  type TEXT NOT NULL, author_kind TEXT, author_id TEXT, template TEXT, language TEXT, category TEXT, campaign TEXT,
  segment TEXT, person_id TEXT, phone_number_id TEXT, orphan INTEGER NOT NULL, accepted INTEGER NOT NULL,
  test INTEGER NOT NULL,
  UNIQUE(tenant, message_id)
);

-- The consent ledger: what people said about being written to. The entries of a person, in the order of sequence, are a
-- chain of hashes.
CREATE TABLE consent_entries(
  person_id TEXT NOT NULL, entry_id TEXT NOT NULL, tenant TEXT NOT NULL, event_time INTEGER NOT NULL,
  revision INTEGER NOT NULL, sequence INTEGER NOT NULL, channel TEXT NOT NULL, purpose TEXT NOT NULL,
  state TEXT NOT NULL, effective TEXT NOT NULL, method TEXT NOT NULL, system TEXT, word TEXT, language TEXT,
  legal_basis TEXT, jurisdiction TEXT, text_version TEXT, actor TEXT, reference TEXT, valid_to INTEGER,
  evidence TEXT NOT NULL, subjects TEXT NOT NULL, previous_hash TEXT NOT NULL, hash TEXT NOT NULL,
  delivery_id TEXT NOT NULL,
  PRIMARY KEY(person_id, entry_id)
) WITHOUT ROWID;

-- Everything else that happened to a person: inbox, CRM, calls, preferences, groups.
CREATE TABLE events(
  tenant TEXT NOT NULL, event_id TEXT NOT NULL, kind TEXT NOT NULL, event_time INTEGER NOT NULL,
  revision INTEGER NOT NULL, person_id TEXT, conversation_id TEXT, session_id TEXT, phone_number_id TEXT,
  window_expires_at INTEGER, window_identifier_kind TEXT, window_identifier TEXT, content TEXT,
  PRIMARY KEY(tenant, event_id)
) WITHOUT ROWID;
CREATE INDEX events_by_person ON events(person_id, event_time);

-- Every observation about a number, template, account or portfolio: the history that questions "as of" are asked of.
CREATE TABLE account_history(
  tenant TEXT NOT NULL, event_id TEXT NOT NULL, subject_kind TEXT NOT NULL, subject_id TEXT NOT NULL, kind TEXT NOT NULL,
  event_time INTEGER NOT NULL, revision INTEGER NOT NULL, waba_id TEXT, portfolio_id TEXT, event TEXT, quality TEXT,
  "limit" INTEGER, limit_told INTEGER NOT NULL, template TEXT, language TEXT, category TEXT, reason TEXT, previous TEXT,
  announced TEXT, effective_at INTEGER,
  restrictions TEXT NOT NULL, attributes TEXT NOT NULL, content TEXT, test INTEGER NOT NULL,
  PRIMARY KEY(tenant, event_id)
) WITHOUT ROWID;
CREATE INDEX account_history_by_subject ON account_history(tenant, subject_kind, subject_id, kind, event_time);
CREATE INDEX account_history_of_limits ON account_history(tenant, event_time) WHERE limit_told;

-- Tenants of whom anything is known, with the number that stands for each in the index of places.
CREATE TABLE tenants(name TEXT NOT NULL PRIMARY KEY, number INTEGER NOT NULL UNIQUE) WITHOUT ROWID;

-- The current rows of the numbers; fact is the record as it was published. A row over all input begins before all times.
CREATE TABLE metric_rows(
  tenant TEXT NOT NULL, metric TEXT NOT NULL, definition TEXT NOT NULL, starts INTEGER NOT NULL, ends INTEGER NOT NULL,
  dimensions TEXT NOT NULL, revision INTEGER NOT NULL, counts INTEGER NOT NULL, fact BLOB NOT NULL,
  PRIMARY KEY(tenant, metric, definition, starts, ends, dimensions)
) WITHOUT ROWID;
CREATE INDEX metric_totals ON metric_rows(tenant, metric, starts) WHERE dimensions = '[]';

-- What the processors counted since the first record.
CREATE TABLE counts(
  tenant TEXT NOT NULL, counter TEXT NOT NULL, label TEXT NOT NULL, amount INTEGER NOT NULL,
  PRIMARY KEY(tenant, counter, label)
) WITHOUT ROWID;

-- Where records name an id: see places.rs. A block belongs to the run of its upper bits.
CREATE TABLE place_runs(run INTEGER PRIMARY KEY, entries INTEGER NOT NULL, bits INTEGER NOT NULL);
CREATE TABLE places(block INTEGER PRIMARY KEY, entries BLOB NOT NULL);

-- What CRMs should hold: the last revision of each record. fields: property → value. waits: what became of it is open.
CREATE TABLE crm_records(
  record_key TEXT NOT NULL, sink TEXT NOT NULL, tenant TEXT NOT NULL, object TEXT NOT NULL, kind TEXT NOT NULL,
  revision INTEGER NOT NULL, person_id TEXT, alias_of TEXT, adopt_id TEXT, fields TEXT NOT NULL,
  associations TEXT NOT NULL, rule TEXT, mapping TEXT NOT NULL, mapping_hash TEXT NOT NULL, content_hash TEXT NOT NULL,
  facts TEXT NOT NULL, event_time INTEGER NOT NULL, test INTEGER NOT NULL, waits INTEGER NOT NULL,
  UNIQUE(record_key, sink)
);
CREATE INDEX crm_records_by_person ON crm_records(person_id);
CREATE INDEX crm_records_by_object ON crm_records(tenant, sink, object, kind, test);
CREATE INDEX crm_records_waiting ON crm_records(tenant, sink, event_time) WHERE waits;

-- The link of each record to the CRM's own, and what became of its last revision.
CREATE TABLE crm_links(
  record_key TEXT NOT NULL, sink TEXT NOT NULL, tenant TEXT NOT NULL, object TEXT, person_id TEXT, kind TEXT NOT NULL,
  revision INTEGER NOT NULL, remote_id TEXT, content_hash TEXT, attempts INTEGER NOT NULL, until INTEGER, code TEXT,
  field TEXT, action TEXT, event_time INTEGER NOT NULL,
  UNIQUE(record_key, sink)
);
CREATE INDEX crm_links_by_outcome ON crm_links(tenant, sink, kind, object, event_time);
CREATE INDEX crm_links_rejected ON crm_links(tenant, sink, code, field) WHERE kind = 'rejected';
CREATE INDEX crm_links_by_time ON crm_links(tenant, sink, event_time);
CREATE INDEX crm_links_by_person ON crm_links(person_id);

-- How each CRM as a whole is, as its writer said last.
CREATE TABLE crm_sinks(
  tenant TEXT NOT NULL, sink TEXT NOT NULL, state TEXT, until INTEGER, code TEXT, action TEXT, budget_limit INTEGER,
  budget_remaining INTEGER, event_time INTEGER NOT NULL,
  PRIMARY KEY(tenant, sink)
) WITHOUT ROWID;

-- The greatest time of a raw record that was read.
CREATE TABLE newest(only INTEGER PRIMARY KEY CHECK (only = 0), at INTEGER NOT NULL);
