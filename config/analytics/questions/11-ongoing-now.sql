-- How many engagements are ongoing at this moment, and with how many operators?
SELECT count(*) AS ongoing, count(DISTINCT last_operator_id) AS operators, count(*) FILTER (WHERE transfers > 0) AS transferred
FROM engagement_facts
WHERE ongoing AND created_at >= now() - interval '2 days';
