-- The instances that run on this database, and their machines' clocks.

-- name: instances_with_leases
-- Instances that hold a lease or a claim now.
SELECT lease_owner AS instance FROM sync_state WHERE lease_expires_at > now()
UNION
SELECT lease_owner FROM backfill_windows WHERE lease_owner IS NOT NULL AND NOT done AND lease_expires_at > now()
UNION
SELECT instance FROM claiming_instances WHERE released_at IS NULL AND claims_until > now();

-- name: release_leases_of_dead(instance)
-- Releases the leases and claims of a dead instance. The new epochs prevent it from writing if it is alive after all.
WITH sites AS (
    UPDATE sync_state SET lease_owner = NULL, lease_expires_at = NULL, lease_epoch = lease_epoch + 1
    WHERE lease_owner = :instance
), windows AS (
    UPDATE backfill_windows SET lease_owner = NULL, lease_expires_at = NULL, lease_epoch = lease_epoch + 1
    WHERE lease_owner = :instance AND NOT done
)
UPDATE claiming_instances SET released_at = now() WHERE instance = :instance;

-- name: end_stuck_transactions(after_seconds)
-- Terminates the backends of transactions that still lock the row of a lease `after_seconds` after the lease has
-- expired. Such a transaction belongs to an instance that was stopped in the middle of it, for example in a COPY,
-- where none of the server's timeouts apply. Finds the transaction by the row's xmax, which is the transaction that is
-- changing the row.
SELECT count(pg_terminate_backend(l.pid)) AS ended
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid AND a.usename = current_user
WHERE l.locktype = 'transactionid' AND l.granted AND l.pid <> pg_backend_pid()
  AND l.transactionid IN (
      SELECT xmax FROM sync_state WHERE lease_expires_at < now() - make_interval(secs => :after_seconds::float8)
      UNION ALL
      SELECT xmax FROM backfill_windows
      WHERE lease_owner IS NOT NULL AND NOT done
        AND lease_expires_at < now() - make_interval(secs => :after_seconds::float8));

-- name: read_server_clock(machine)
SELECT ahead_microseconds AS ahead FROM server_clocks WHERE machine = :machine;

-- name: save_server_clock(machine, ahead_microseconds)
-- Also drops machines that have saved nothing for 30 days, and instances whose claims expired more than an hour ago.
WITH old AS (
    DELETE FROM server_clocks WHERE updated_at < now() - interval '30 days' AND machine <> :machine
), expired AS (
    DELETE FROM claiming_instances WHERE claims_until < now() - interval '1 hour'
)
INSERT INTO server_clocks (machine, ahead_microseconds) VALUES (:machine, :ahead_microseconds::bigint)
ON CONFLICT (machine) DO UPDATE SET ahead_microseconds = excluded.ahead_microseconds, updated_at = now();
