-- ?1 kind and ?2 mark of the last one before, ?3 how many at most
SELECT kind, mark FROM forgotten WHERE (kind, mark) > (?1, ?2) ORDER BY kind, mark LIMIT ?3;
