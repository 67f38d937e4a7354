-- Makes the rows of these engagements equal to the given set; rows that are right already are not written.
-- $1 the set as a JSON array, $2 the engagements
WITH incoming AS (
    SELECT * FROM json_populate_recordset(NULL::engagement_operators, $1::json)
), gone AS (
    DELETE FROM engagement_operators t
    WHERE t.engagement_id = ANY ($2::text[])
      AND NOT EXISTS (SELECT FROM incoming i WHERE i.engagement_id = t.engagement_id AND i.position = t.position)
)
INSERT INTO engagement_operators AS t (engagement_id, position, operator_id, href)
SELECT engagement_id, position, operator_id, href FROM incoming
ON CONFLICT (engagement_id, position) DO UPDATE SET operator_id = excluded.operator_id, href = excluded.href
WHERE (t.operator_id, t.href) IS DISTINCT FROM (excluded.operator_id, excluded.href);
