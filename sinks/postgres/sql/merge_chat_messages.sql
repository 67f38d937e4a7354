-- Makes the transcript of an engagement those of the given set (see also trim_*); rows that are right already are not written.
-- $1 the set as a JSON array
INSERT INTO chat_messages AS t (@chat_messages.columns@)
SELECT @chat_messages.columns@
FROM json_populate_recordset(NULL::chat_messages, $1::json)
ON CONFLICT (engagement_id, position) DO UPDATE
SET @chat_messages.set_excluded@
WHERE (t.*) IS DISTINCT FROM (excluded.*);
