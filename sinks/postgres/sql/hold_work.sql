-- Which of these jobs does the owner still claim? Locked until the commit, in the order of the ids, so that two writers never
-- wait for each other. No row: what it was for has been erased, or the job is done.
-- $1 kind, $2 engagements, $3 items, $4 owner
SELECT w.engagement_id, w.item, w.claimed_by IS NOT DISTINCT FROM $4::text AS held
FROM work_items w
JOIN unnest($2::text[], $3::text[]) AS i (id, item) ON w.engagement_id = i.id AND w.item = i.item
WHERE w.kind = $1::text
ORDER BY w.engagement_id, w.item
FOR UPDATE OF w;
