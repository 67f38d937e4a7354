-- Frees what a dead instance held. The epoch makes sure that it cannot write even if it was not dead. $1 owner
WITH sites AS (
    UPDATE sync_state SET lease_owner = NULL, lease_expires_at = NULL, lease_epoch = lease_epoch + 1 WHERE lease_owner = $1
), windows AS (
    UPDATE backfill_windows SET lease_owner = NULL, lease_expires_at = NULL, lease_epoch = lease_epoch + 1
    WHERE lease_owner = $1 AND NOT done
)
UPDATE work_items SET claimed_by = NULL, claimed_until = NULL WHERE claimed_by = $1;
