SELECT count(*) FROM detail_queue WHERE next_attempt_at <= now();
