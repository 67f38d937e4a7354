-- An epoch without an owner is one that was given back: the same again. ?1 site, ?2 epoch, ?3 stream, ?4 microseconds until the next one
UPDATE sync_state
SET last_success_at = now(), lease_owner = NULL, lease_expires_at = NULL, next_poll_at = now() + ?4, failures = 0,
    refusal = NULL, refusal_warned_at = NULL
WHERE stream = ?3 AND site_id = ?1 AND lease_epoch = ?2;
