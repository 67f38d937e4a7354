UPDATE backfill_windows SET lease_owner = NULL, lease_expires_at = NULL WHERE lease_owner IS NOT NULL;
