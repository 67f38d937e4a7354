-- Is the claim still the owner's? Held still until the commit. No row: what it was for has been erased.
-- $1 engagement, $2 kind, $3 item, $4 owner
SELECT claimed_by IS NOT DISTINCT FROM $4::text AS held FROM enrichments
WHERE engagement_id = $1::text AND kind = $2::text AND item = $3::text
FOR UPDATE;
