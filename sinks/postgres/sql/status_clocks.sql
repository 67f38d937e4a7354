-- Machines that have found nothing for a day may have been started anew since.
SELECT machine, ahead_microseconds / 1e6::float8 AS ahead, (extract(epoch FROM updated_at) * 1000000)::bigint AS found_at
FROM server_clocks
WHERE updated_at > now() - interval '1 day'
ORDER BY machine;
