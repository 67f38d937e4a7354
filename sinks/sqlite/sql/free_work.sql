UPDATE detail_queue SET claimed_by = NULL, claimed_until = NULL WHERE claimed_by IS NOT NULL;
