-- Whoever held them is gone: the state file is locked by one program at a time.
UPDATE sync_state SET lease_owner = NULL, lease_expires_at = NULL WHERE lease_owner IS NOT NULL;
