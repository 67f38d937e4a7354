-- How many visitors came more than once in 30 days? (Needs visitor_id, kept or hashed.)
SELECT count(*) AS visitors, count(*) FILTER (WHERE times > 1) AS came_again, max(times) AS most_often
FROM (SELECT visitor_id, count(*) AS times
      FROM engagements
      WHERE created_at >= now() - interval '30 days' AND visitor_id IS NOT NULL AND missing_since IS NULL
      GROUP BY visitor_id) v;
