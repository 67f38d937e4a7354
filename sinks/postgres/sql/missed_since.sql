-- Since when an enricher may have missed something. $1 kind
SELECT coalesce((SELECT r.queued_through FROM enrichers r WHERE r.kind = $1::text), '-infinity') AS since;
