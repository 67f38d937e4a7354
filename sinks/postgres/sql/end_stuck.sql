-- A transaction that has held the row of a lease for long after the lease ran out belongs to an instance that was
-- stopped in the middle of it: in a COPY, say, where no time limit of the server's strikes. It is ended, and with it
-- its locks. The writer of a row that is being changed is its xmax. $1 seconds after the end of the lease
SELECT count(pg_terminate_backend(l.pid)) AS ended
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid AND a.usename = current_user
WHERE l.locktype = 'transactionid' AND l.granted AND l.pid <> pg_backend_pid()
  AND l.transactionid IN (
      SELECT xmax FROM sync_state WHERE lease_expires_at < now() - make_interval(secs => $1::float8)
      UNION ALL
      SELECT xmax FROM backfill_windows WHERE lease_owner IS NOT NULL AND NOT done AND lease_expires_at < now() - make_interval(secs => $1::float8));
