-- What is going on at this moment?
SELECT count(*) AS ongoing, count(DISTINCT last_operator_id) AS operators, count(*) FILTER (WHERE transfers > 0) AS transferred
FROM engagement_facts
WHERE ongoing AND created_at >= now() - interval '2 days';
