-- Which of these engagements are known, and in what state? Takes no row lock. Of none that is
-- known, one row says whether anything was ever forgotten. Whoever has looked into
-- `forgotten` holds it until the commit: nothing is forgotten meanwhile (lock_forgotten).
-- (date_part, because extract computes with numeric; a double tells microseconds apart until the year 2242.)
-- The site is looked for one by one, and only where it is not the first: as an EXISTS, the planner may read all of a site;
-- without the LIMIT it would make a bitmap of one row.
-- $1 ids, $2 the site whose listing showed them, '' for details
SELECT e.id, e.core_hash, e.list_hash, e.legs_hash,
       (date_part('epoch', e.fetched_at) * 1000000)::bigint AS fetched_at,
       (date_part('epoch', e.legs_fetched_at) * 1000000)::bigint AS legs_fetched_at,
       $2 = '' OR e.first_site_id IS NOT DISTINCT FROM $2
           OR (SELECT true FROM engagement_sites s WHERE s.engagement_id = e.id AND s.site_id = $2 LIMIT 1) IS NOT NULL AS site_known,
       e.id IN (SELECT r.engagement_id FROM rejected_records r WHERE r.resolved_at IS NULL) AS rejected,
       e.id IN (SELECT o.engagement_id FROM ongoing_engagements o) AS ongoing,
       f.something AS forgotten
FROM (SELECT EXISTS (SELECT FROM forgotten) AS something) f
LEFT JOIN engagements e ON e.id = ANY ($1::text[]);
