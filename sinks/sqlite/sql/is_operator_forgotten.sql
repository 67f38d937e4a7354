-- ?1 mark of the operator
SELECT EXISTS (SELECT 1 FROM forgotten WHERE kind = 'operator' AND mark = ?1);
