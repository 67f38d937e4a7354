-- $1 seconds
DELETE FROM sync_runs WHERE finished_at < now() - make_interval(secs => $1::float8);
