-- ?1 stream, ?2 microseconds between two warnings
SELECT coalesce(max(refusal_warned_at) <= now() - ?2, 1) FROM sync_state WHERE stream = ?1;
