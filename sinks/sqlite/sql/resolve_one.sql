UPDATE rejected_records SET resolved_at = now() WHERE id = ?1;
