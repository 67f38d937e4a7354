DELETE FROM rejected_records WHERE last_seen_at < ?1;
