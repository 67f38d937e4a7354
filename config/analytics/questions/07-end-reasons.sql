-- How do engagements end?
SELECT end_reason, count(*) AS engagements, round(count(*) / sum(count(*)) OVER (), 3) AS share
FROM engagement_facts
WHERE created_at >= now() - interval '30 days' AND NOT ongoing
GROUP BY end_reason
ORDER BY engagements DESC, end_reason;
