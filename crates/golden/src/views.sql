-- One row per message: details from the first of outbound line, received, echo, history, statuses that is a message:
-- reactions and system messages received, edits and revocations are none. The text is that of the last edit; what was
-- revoked has none, and no content. A received message has no status, whatever stands under its id.
CREATE VIEW messages AS
WITH ids AS (
  SELECT tenant, message_id FROM message_parts UNION SELECT tenant, message_id FROM message_status
), known AS (
  SELECT ids.tenant, ids.message_id, coalesce(s.accepted, 0) AS accepted, s.orphan AS orphan,
    CASE WHEN o.type NOT IN ('edit', 'revoke') THEN o.part
      WHEN r.type NOT IN ('reaction', 'edit', 'revoke', 'system', 'request_welcome') THEN r.part
      WHEN e.type NOT IN ('edit', 'revoke') THEN e.part
      WHEN coalesce(o.part, r.part, e.part) IS NULL THEN h.part END AS part,
    CASE WHEN e.type NOT IN ('edit', 'revoke') THEN e.event_time END AS echoed_at,
    coalesce(o.part, r.part, e.part, h.part) IS NULL AS untold
  FROM ids
  LEFT JOIN message_status s ON s.tenant = ids.tenant AND s.message_id = ids.message_id
  LEFT JOIN message_parts o ON o.tenant = ids.tenant AND o.message_id = ids.message_id AND o.part = 'outbound'
  LEFT JOIN message_parts r ON r.tenant = ids.tenant AND r.message_id = ids.message_id AND r.part = 'received'
  LEFT JOIN message_parts e ON e.tenant = ids.tenant AND e.message_id = ids.message_id AND e.part = 'echo'
  LEFT JOIN message_parts h ON h.tenant = ids.tenant AND h.message_id = ids.message_id AND h.part = 'history'
)
SELECT k.tenant, k.message_id,
  CASE WHEN k.accepted THEN 'outbound' ELSE coalesce(k.part, 'orphan') END AS origin,
  CASE WHEN k.accepted THEN 'outbound' ELSE coalesce(p.direction, 'outbound') END AS direction,
  CASE WHEN k.accepted THEN s.type ELSE coalesce(p.type, 'unknown') END AS type,
  CASE WHEN k.accepted THEN s.accepted_at ELSE coalesce(p.event_time, s.first_status_at) END AS event_time,
  CASE WHEN k.accepted THEN s.accepted_at WHEN k.part = 'outbound' THEN p.event_time ELSE k.echoed_at END AS accepted_at,
  o.effective_status, o.sent_at, o.delivered_at, o.read_at, o.played_at, o.failed_at,
  coalesce(s.error_codes, '') AS error_codes, s.error_class, s.pricing_type, s.pricing_category,
  CASE WHEN k.accepted THEN s.template ELSE p.template END AS template,
  CASE WHEN k.accepted THEN s.language ELSE p.language END AS language,
  coalesce(s.category, p.category) AS category,
  CASE WHEN k.accepted THEN s.campaign ELSE p.campaign END AS campaign,
  CASE WHEN k.accepted THEN s.segment ELSE p.segment END AS segment,
  CASE WHEN k.accepted THEN s.author_kind ELSE p.author_kind END AS author_kind,
  CASE WHEN k.accepted THEN s.author_id ELSE p.author_id END AS author_id,
  coalesce(p.person_id, s.person_id) AS person_id, p.conversation_id, p.session_id,
  coalesce(p.phone_number_id, s.phone_number_id) AS phone_number_id, p.group_id, p.reply_to, p.referral,
  CASE WHEN r.revoked_at IS NULL THEN p.content END AS content, coalesce(p.test, s.test) AS test,
  CASE WHEN r.revoked_at IS NULL THEN coalesce(e.text, p.text) END AS text, e.event_time AS edited_at, r.revoked_at
FROM known k
LEFT JOIN message_status s ON s.tenant = k.tenant AND s.message_id = k.message_id
LEFT JOIN message_parts p ON p.tenant = k.tenant AND p.message_id = k.message_id AND p.part = k.part
LEFT JOIN message_status o ON o.tenant = k.tenant AND o.message_id = k.message_id
  AND (k.accepted OR coalesce(p.direction, 'outbound') = 'outbound')
LEFT JOIN (
  SELECT tenant, reply_to, text, event_time, max(printf('%020d %s', event_time, message_id)) FROM message_parts
  WHERE type = 'edit' GROUP BY tenant, reply_to
) e ON e.tenant = k.tenant AND e.reply_to = k.message_id
LEFT JOIN (
  SELECT tenant, reply_to, min(event_time) AS revoked_at FROM message_parts
  WHERE type = 'revoke' GROUP BY tenant, reply_to
) r ON r.tenant = k.tenant AND r.reply_to = k.message_id
WHERE k.accepted OR k.part IS NOT NULL OR k.orphan AND k.untold;

-- Threads: a person and a business number. A reaction is no message.
CREATE VIEW conversations AS
SELECT conversation_id, tenant, person_id, phone_number_id, count(*) AS messages, min(event_time) AS first_message_at,
  max(event_time) AS last_message_at
FROM messages WHERE conversation_id IS NOT NULL AND type <> 'reaction'
GROUP BY conversation_id, tenant, person_id, phone_number_id;

-- One case per session. The agent is the last human sender, else the last one assigned.
CREATE VIEW cases AS
SELECT s.session_id AS case_id, s.tenant, s.person_id, s.phone_number_id, s.opened_at, s.closed_at,
  CASE WHEN s.closed_at IS NULL THEN 'open' ELSE 'closed' END AS status, s.close_reason, s.queue, s.reason, s.outcome,
  coalesce(
    (SELECT author_id FROM message_parts m WHERE m.session_id = s.session_id AND author_kind = 'agent'
       AND author_id IS NOT NULL ORDER BY m.event_time DESC, m.message_id DESC LIMIT 1),
    (SELECT json_extract(content, '$.agent') FROM events e WHERE e.person_id = s.person_id
       AND e.session_id = s.session_id AND e.kind = 'assigned' ORDER BY e.event_time DESC, e.event_id DESC LIMIT 1)
  ) AS agent
FROM sessions s;

-- Each sign of a person's will, and what follows from it and those before.
CREATE VIEW consents AS
SELECT tenant, person_id, event_time,
  CASE state WHEN 'granted' THEN 'opt_in' WHEN 'unblocked' THEN 'opt_in' ELSE 'opt_out' END AS kind, method AS source,
  channel, purpose, state, effective, entry_id
FROM consent_entries;

-- Deals of the CRM, as their latest event left them.
CREATE VIEW deals AS
SELECT tenant, json_extract(content, '$.system') AS system, json_extract(content, '$.deal_id') AS deal_id, person_id,
  kind AS last_event, json_extract(content, '$.stage') AS stage, json_extract(content, '$.amount') AS amount,
  json_extract(content, '$.currency') AS currency, json_extract(content, '$.opened_at') AS opened_at,
  max(event_time) AS updated_at
FROM events
WHERE kind LIKE 'deal\_%' ESCAPE '\' AND json_extract(content, '$.deal_id') IS NOT NULL
GROUP BY 1, 2, 3;

-- What a person has to do, as rules of the mapping found it. fields: property of the CRM → value.
CREATE VIEW tasks AS
SELECT tenant, record_key AS task_key, sink, person_id, rule, CASE kind WHEN 'desired' THEN 'open' ELSE 'withdrawn' END AS status,
  fields, event_time AS updated_at
FROM crm_records WHERE object = 'task';

-- Clicks on ads that led to a message.
CREATE VIEW touches AS
SELECT tenant, person_id, message_id, session_id, event_time AS touched_at,
  json_extract(referral, '$.source_type') AS source_type, json_extract(referral, '$.source_id') AS source_id,
  json_extract(referral, '$.source_url') AS source_url, json_extract(referral, '$.ctwa_clid') AS click_id
FROM message_parts WHERE referral IS NOT NULL;

-- Latest observation of each kind about each subject. Of one second the greater content holds, as on the topic.
CREATE VIEW account_state AS
SELECT * FROM (
  SELECT *, row_number() OVER (
    PARTITION BY tenant, subject_kind, subject_id, kind ORDER BY event_time DESC, content DESC, event_id DESC
  ) AS place FROM account_history
) WHERE place = 1;

-- Until when a person may be written to free-form on a number: the latest customer service window by messages and calls.
-- A sender stops 10 minutes before it ends.
CREATE VIEW windows AS
SELECT tenant, conversation_id, max(window_expires_at) AS window_expires_at,
  max(window_expires_at) - 600000 AS free_form_ends_at
FROM (
  SELECT tenant, conversation_id, window_expires_at FROM message_parts
  WHERE conversation_id IS NOT NULL AND window_expires_at IS NOT NULL
  UNION ALL
  SELECT tenant, conversation_id, event_time + 86400000 FROM events
  WHERE conversation_id IS NOT NULL AND kind LIKE 'call\_%' ESCAPE '\'
    AND json_extract(content, '$.direction') = 'USER_INITIATED'
)
GROUP BY tenant, conversation_id;
