SELECT count(*) FILTER (WHERE NOT parked) AS waiting, count(*) FILTER (WHERE parked) AS parked,
       (SELECT count(*) FROM rejected_records WHERE resolved_at IS NULL) AS rejected
FROM detail_queue;
