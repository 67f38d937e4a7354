-- ?1 microseconds
DELETE FROM sync_runs WHERE finished_at < now() - ?1;
