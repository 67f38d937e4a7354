-- Why a site could not be leased. $1 site, $2 stream
SELECT CASE WHEN lease_expires_at > now() THEN lease_owner END AS owner,
       greatest(0, extract(epoch FROM greatest(next_poll_at, lease_expires_at) - now()))::float8 AS wait
FROM sync_state
WHERE stream = $2 AND site_id = $1;
