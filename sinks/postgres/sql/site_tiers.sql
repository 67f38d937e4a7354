-- $1 site
SELECT back_seconds, greatest(0, extract(epoch FROM now() - last_started_at))::float8 AS since FROM revisit_state WHERE site_id = $1;
