-- Makes the rows of these engagements those of the given set (see also trim_*); rows that are right already are not written.
-- $1 the set as a JSON array
INSERT INTO engagement_operators AS t (@engagement_operators.columns@)
SELECT @engagement_operators.columns@ FROM json_populate_recordset(NULL::engagement_operators, $1::json)
ON CONFLICT (engagement_id, position) DO UPDATE SET @engagement_operators.set_excluded@
WHERE (t.*) IS DISTINCT FROM (excluded.*);
