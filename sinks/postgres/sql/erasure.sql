-- Deletion: `forget`, retention, and examples that privacy no longer allows. The table `erasures` has the unfinished
-- requests.

-- name: add_erasures(kinds, ids)
INSERT INTO erasures (kind, id)
SELECT i.kind, i.id FROM unnest(:kinds::text[], :ids::text[]) AS i (kind, id)
ON CONFLICT DO NOTHING;

-- name: list_erasures
-- Requests to erase rows, the oldest first. There are few, because they come from calls of `forget` and from imports of
-- tombstones.
SELECT kind, id FROM erasures WHERE kind <> 'recordings' ORDER BY requested_at, kind, id;

-- name: recordings_to_erase(after_id, limit)
-- Engagements whose files are to be deleted.
SELECT id FROM erasures WHERE kind = 'recordings' AND id > :after_id::text ORDER BY id LIMIT :limit::bigint;

-- name: end_erasures(kind, ids)
DELETE FROM erasures WHERE kind = :kind::text AND id = ANY (:ids::text[]);

-- name: engagements_of_visitor(visitor, limit)
-- `visitor`: the id as stored.
SELECT id FROM engagements
WHERE hashtext(visitor_id) = hashtext(:visitor::text) AND visitor_id = :visitor::text
LIMIT :limit::bigint;

-- name: erase_engagements(engagement_ids)
DELETE FROM engagements WHERE id = ANY (:engagement_ids::text[]);

-- name: erase_engagement_sites(engagement_ids)
DELETE FROM engagement_sites WHERE engagement_id = ANY (:engagement_ids::text[]);

-- name: erase_engagement_operators(engagement_ids)
DELETE FROM engagement_operators WHERE engagement_id = ANY (:engagement_ids::text[]);

-- name: erase_engagement_queues(engagement_ids)
DELETE FROM engagement_queues WHERE engagement_id = ANY (:engagement_ids::text[]);

-- name: erase_audio_recordings(engagement_ids)
DELETE FROM audio_recordings WHERE engagement_id = ANY (:engagement_ids::text[]);

-- name: erase_legs(engagement_ids)
DELETE FROM legs WHERE engagement_id = ANY (:engagement_ids::text[]);

-- name: erase_leg_queues(engagement_ids)
DELETE FROM leg_queues WHERE engagement_id = ANY (:engagement_ids::text[]);

-- name: erase_chat_messages(engagement_ids)
DELETE FROM chat_messages WHERE engagement_id = ANY (:engagement_ids::text[]);

-- name: erase_details(engagement_ids)
DELETE FROM work_items WHERE engagement_id = ANY (:engagement_ids::text[]) AND kind = 'detail';

-- name: erase_state(engagement_ids)
-- Deletes the program's own state of engagements, and requests the deletion of their files.
WITH files AS (
    INSERT INTO erasures (kind, id)
    SELECT DISTINCT 'recordings', n.engagement_id FROM work_items n
    WHERE n.engagement_id = ANY (:engagement_ids::text[]) AND n.kind = 'recording'
    ON CONFLICT DO NOTHING
),   a AS (DELETE FROM work_items t WHERE t.engagement_id = ANY (:engagement_ids::text[])),
     b AS (DELETE FROM ongoing_engagements t WHERE t.engagement_id = ANY (:engagement_ids::text[])),
     c AS (DELETE FROM rejected_records t WHERE t.engagement_id = ANY (:engagement_ids::text[]) RETURNING 1)
SELECT count(*) AS rejected FROM c;

-- name: erase_undocumented_examples(engagement_ids)
-- Deletes the examples of undocumented members that come from these engagements.
UPDATE undocumented_members SET example = NULL, example_of = NULL WHERE example_of = ANY (:engagement_ids::text[]);

-- name: erase_forbidden_examples(unknown, members)
-- Deletes examples of undocumented members that privacy no longer allows. `unknown`: examples of all members of the
-- kind unknown. `members`: examples of members with these names, in any object.
UPDATE undocumented_members u SET example = NULL, example_of = NULL
WHERE u.example IS NOT NULL
  AND (:unknown::boolean AND u.kind = 'unknown'
       OR EXISTS (SELECT FROM unnest(:members::text[]) m (name)
                  WHERE u.path = m.name OR right(u.path, length(m.name) + 1) = '.' || m.name));

-- name: erase_rejected(reject_ids)
DELETE FROM rejected_records WHERE id = ANY (:reject_ids::bigint[]);

-- name: erase_rejected_of_visitor(visitor)
-- Deletes rejected records whose payload contains the visitor's id, as a whole text or at the end of a link.
-- `visitor`: the id as stored.
DELETE FROM rejected_records
WHERE payload_words(payload) @> ARRAY[hashtext(:visitor::text)]
  AND (position('"' || :visitor::text || '"' IN payload) > 0 OR position('/' || :visitor::text || '"' IN payload) > 0);

-- name: erase_rejected_of_operator(operator)
-- Deletes rejected records of the operators' listing that contain the operator's link.
DELETE FROM rejected_records
WHERE engagement_id IS NULL AND source = 'operators' AND position('/' || :operator::text || '"' IN payload) > 0;

-- name: erase_operators(operator_ids)
DELETE FROM operators WHERE id = ANY(:operator_ids::text[]);

-- name: erase_operator_names(operator_ids)
DELETE FROM name_history WHERE kind = 'operator' AND id = ANY(:operator_ids::text[]);

-- name: erase_operator_sites(operator_ids)
DELETE FROM operator_sites WHERE operator_id = ANY(:operator_ids::text[]);

-- name: expired_engagements(site, since, before, limit)
-- A page of the oldest engagements that a site listed first, from `since` on. Uses the index on (first_site_id,
-- created_at).
SELECT e.id, (extract(epoch FROM e.created_at) * 1000000)::bigint AS created_at
FROM engagements e
WHERE e.first_site_id = :site::text AND e.created_at >= :since::timestamptz AND e.created_at < :before::timestamptz
ORDER BY e.first_site_id, e.created_at
LIMIT :limit::bigint;

-- name: expired_unlisted(since, before, limit)
-- Like expired_engagements, for engagements without a known first site.
SELECT e.id, (extract(epoch FROM e.created_at) * 1000000)::bigint AS created_at
FROM engagements e
WHERE e.first_site_id IS NULL AND e.created_at >= :since::timestamptz AND e.created_at < :before::timestamptz
ORDER BY e.first_site_id, e.created_at
LIMIT :limit::bigint;

-- name: expire_rejected(before, limit)
DELETE FROM rejected_records
WHERE id = ANY (ARRAY (SELECT r.id FROM rejected_records r WHERE r.last_seen_at < :before::timestamptz
                       ORDER BY r.last_seen_at LIMIT :limit::bigint));

-- name: expire_samples(before, limit)
DELETE FROM queue_wait_samples
WHERE (site_id, sampled_at) IN (SELECT site_id, sampled_at FROM queue_wait_samples
                                WHERE sampled_at < :before::timestamptz
                                ORDER BY sampled_at LIMIT :limit::bigint);

-- name: operator_messages_after(operator, after_id, after_position, limit)
-- A page of chat messages, and which of them the operator sent. The page begins after the message with this engagement
-- and position.
SELECT m.engagement_id, m.position,
       coalesce(m.sender_type = 'operator' AND right(m.sender_href, length(:operator) + 1) = '/' || :operator,
                false) AS sent
FROM chat_messages m
WHERE (m.engagement_id, m.position) > (:after_id::text, :after_position::integer)
ORDER BY m.engagement_id, m.position
LIMIT :limit::bigint;

-- name: erase_senders(engagement_ids, positions)
-- Erases the data about the senders in these messages, except their ids.
UPDATE chat_messages m SET sender_name = NULL, extra = NULL
FROM unnest(:engagement_ids::text[], :positions::integer[]) AS u (engagement_id, position)
WHERE m.engagement_id = u.engagement_id AND m.position = u.position
  AND (m.sender_name IS NOT NULL OR m.extra IS NOT NULL);

-- name: erase_forbidden_operator_names(pseudonyms)
-- Erases names of operators from the history if privacy no longer allows them. `pseudonyms`: keep pseudonyms.
DELETE FROM name_history
WHERE kind = 'operator' AND NOT (:pseudonyms::boolean AND name ~ '^hmac:[0-9a-f]{64}$');

-- name: clear_operator_names(pseudonyms)
-- The same for the current names. The next listing writes the names that privacy allows.
UPDATE operators SET name = NULL, content_hash = ''
WHERE name IS NOT NULL AND NOT (:pseudonyms::boolean AND name ~ '^hmac:[0-9a-f]{64}$');

-- name: erase_forbidden_rejected_operators(pseudonyms, members)
-- Erases rejected records of operators whose payload contains one of `members`, which privacy no longer allows, or
-- whose payload cannot be searched for members. `pseudonyms`: keep pseudonyms.
DELETE FROM rejected_records r
WHERE r.engagement_id IS NULL AND r.source = 'operators' AND r.payload <> 'null'
  AND (left(r.payload, 1) <> '{'
       OR EXISTS (SELECT FROM unnest(:members::text[]) m (name)
                  WHERE r.payload ~ ('"' || m.name || '"\s*:\s*(?!\s|null'
                                     || CASE WHEN :pseudonyms::boolean THEN '|"hmac:' ELSE '' END || ')')));

-- name: clear_operator_contacts(pseudonyms, members)
-- Erases contact data that privacy no longer allows. The next listing writes the data that it allows. `pseudonyms`:
-- keep pseudonyms. `members`: the members of extra that are contact data.
UPDATE operators o
SET email = c.email, phone = c.phone, picture_url = c.picture_url, extra = c.extra, content_hash = ''
FROM (
    SELECT k.id,
           CASE WHEN :pseudonyms::boolean AND k.email ~ '^hmac:[0-9a-f]{64}$' THEN k.email END AS email,
           CASE WHEN :pseudonyms::boolean AND k.phone ~ '^hmac:[0-9a-f]{64}$' THEN k.phone END AS phone,
           CASE WHEN :pseudonyms::boolean AND k.picture_url ~ '^hmac:[0-9a-f]{64}$'
                THEN k.picture_url END AS picture_url,
           CASE WHEN :pseudonyms::boolean AND NOT EXISTS (
                    SELECT FROM jsonb_each_text(k.extra) m (name, value)
                    WHERE m.name = ANY (:members::text[]) AND m.value !~ '^hmac:[0-9a-f]{64}$')
                THEN k.extra
                ELSE nullif(k.extra - :members::text[], '{}') END AS extra
    FROM operators k
) c
WHERE c.id = o.id
  AND (o.email, o.phone, o.picture_url, o.extra) IS DISTINCT FROM (c.email, c.phone, c.picture_url, c.extra);
