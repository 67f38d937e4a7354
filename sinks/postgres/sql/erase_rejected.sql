-- $1 numbers of records
DELETE FROM rejected_records WHERE id = ANY ($1::bigint[]);
