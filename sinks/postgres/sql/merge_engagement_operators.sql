-- Makes the rows of these engagements those of the given set (see also trim_*); rows that are right already are not written.
-- $1 the set as a JSON array
INSERT INTO engagement_operators AS t (engagement_id, position, operator_id, href)
SELECT engagement_id, position, operator_id, href FROM json_populate_recordset(NULL::engagement_operators, $1::json)
ON CONFLICT (engagement_id, position) DO UPDATE SET operator_id = excluded.operator_id, href = excluded.href
WHERE (t.operator_id, t.href) IS DISTINCT FROM (excluded.operator_id, excluded.href);
