SELECT count(*) FILTER (WHERE NOT parked), count(*) FILTER (WHERE parked),
       (SELECT count(*) FROM rejected_records WHERE resolved_at IS NULL)
FROM detail_queue;
