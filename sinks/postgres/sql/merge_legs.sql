-- Makes the legs of these engagements those of the given set (see also trim_*); legs that are right already are not written.
-- $1 the set as a JSON array
INSERT INTO legs AS t (@legs.columns@)
SELECT @legs.columns@
FROM json_populate_recordset(NULL::legs, $1::json)
ON CONFLICT (engagement_id, id) DO UPDATE
SET @legs.set_excluded@
WHERE (t.*) IS DISTINCT FROM (excluded.*);
