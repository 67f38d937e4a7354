UPDATE output SET name = ?1, length = ?2, begun_at = ?3, sequence = ?4;
