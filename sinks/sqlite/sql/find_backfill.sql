-- ?1 from, ?2 to (NULL: open), ?3 window in seconds, ?4 sites
SELECT id, finished_at IS NOT NULL, window_from, window_to FROM backfills
WHERE window_from = ?1 AND window_seconds = ?3 AND sites = ?4
  AND CASE WHEN ?2 IS NULL THEN to_is_open ELSE NOT to_is_open AND window_to = ?2 END
ORDER BY id DESC LIMIT 1;
