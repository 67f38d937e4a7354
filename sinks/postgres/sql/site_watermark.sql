-- $1 site
SELECT (extract(epoch FROM synced_through) * 1000000)::bigint AS synced_through FROM sync_state WHERE site_id = $1;
