DELETE FROM rejected_records WHERE id = ?1;
