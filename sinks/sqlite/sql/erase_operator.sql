-- ?1 operator
DELETE FROM directory_entries WHERE stream = 'operators' AND id = ?1;
