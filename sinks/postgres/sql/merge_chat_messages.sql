-- Makes the transcript of an engagement those of the given set (see also trim_*); rows that are right already are not written.
-- $1 the set as a JSON array
INSERT INTO chat_messages AS t (engagement_id, position, id, created_at, type, message, sender_type, sender_name,
                                sender_href, attachment, metadata, extra)
SELECT engagement_id, position, id, created_at, type, message, sender_type, sender_name, sender_href, attachment,
       metadata, extra
FROM json_populate_recordset(NULL::chat_messages, $1::json)
ON CONFLICT (engagement_id, position) DO UPDATE
SET id = excluded.id, created_at = excluded.created_at, type = excluded.type, message = excluded.message,
    sender_type = excluded.sender_type, sender_name = excluded.sender_name, sender_href = excluded.sender_href,
    attachment = excluded.attachment, metadata = excluded.metadata, extra = excluded.extra
WHERE (t.id, t.created_at, t.type, t.message, t.sender_type, t.sender_name, t.sender_href, t.attachment, t.metadata,
       t.extra)
      IS DISTINCT FROM
      (excluded.id, excluded.created_at, excluded.type, excluded.message, excluded.sender_type, excluded.sender_name,
       excluded.sender_href, excluded.attachment, excluded.metadata, excluded.extra);
