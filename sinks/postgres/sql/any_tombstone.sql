-- Whether there are tombstones at all. Reading them locks the table until the commit, so that none is added meanwhile
-- (lock_forgotten).
SELECT EXISTS (SELECT FROM forgotten) AS something;
