SELECT count(*) FILTER (WHERE NOT parked) AS waiting, count(*) FILTER (WHERE parked) AS parked,
       (SELECT count(*) FROM rejected_records WHERE resolved_at IS NULL) AS rejected
FROM work_items
WHERE kind = 'detail' AND waiting;
