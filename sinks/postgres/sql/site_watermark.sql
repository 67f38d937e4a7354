-- $1 site, $2 stream
SELECT (extract(epoch FROM synced_through) * 1000000)::bigint AS synced_through FROM sync_state WHERE stream = $2 AND site_id = $1;
