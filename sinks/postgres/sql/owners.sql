SELECT lease_owner AS owner FROM sync_state WHERE lease_expires_at > now()
UNION
SELECT lease_owner FROM backfill_windows WHERE lease_owner IS NOT NULL AND NOT done AND lease_expires_at > now()
UNION
SELECT claimed_by FROM work_items WHERE claimed_by IS NOT NULL AND claimed_until > now();
