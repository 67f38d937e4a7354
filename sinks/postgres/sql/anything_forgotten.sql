-- Was anything ever forgotten? Whoever has asked holds the table until the commit: nothing is forgotten meanwhile
-- (lock_forgotten).
SELECT EXISTS (SELECT FROM forgotten) AS something;
