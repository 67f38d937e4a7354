DELETE FROM rejected_records WHERE instr(payload, '"' || ?1 || '"') > 0 OR instr(payload, '/' || ?1 || '"') > 0;
