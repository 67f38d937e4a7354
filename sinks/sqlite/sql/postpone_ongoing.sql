-- ?1 all of them
UPDATE ongoing_engagements SET next_fetch_at = now() + 600000000 WHERE next_fetch_at <= now() OR ?1;
