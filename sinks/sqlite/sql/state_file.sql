-- State of the process and its output: leases of an earlier process, the position of the output, the offsets of
-- servers' clocks.

-- name: free_leases
-- Only one process at a time locks the state file, so the holders of these leases have ended. The same applies to
-- free_windows and free_work.
UPDATE sync_state SET lease_owner = NULL, lease_expires_at = NULL WHERE lease_owner IS NOT NULL;

-- name: free_windows
UPDATE backfill_windows SET lease_owner = NULL, lease_expires_at = NULL WHERE lease_owner IS NOT NULL;

-- name: free_work
UPDATE detail_queue SET claimed_by = NULL, claimed_until = NULL WHERE claimed_by IS NOT NULL;

-- name: bound_revisits
-- Times in the future come from a clock that was ahead. The program would wait until the clock reaches them. The same
-- applies to bound_work and bound_ongoing, whose times are at most a day in the future. A site's next_poll_at is checked
-- when the site is polled.
UPDATE revisit_state SET last_started_at = now() WHERE last_started_at > now();

-- name: bound_work
UPDATE detail_queue SET next_attempt_at = now() WHERE next_attempt_at > now() + 86400000000;

-- name: bound_ongoing
UPDATE ongoing_engagements SET next_fetch_at = now() WHERE next_fetch_at > now() + 86400000000;

-- name: read_output
SELECT name, length, begun_at, sequence FROM output;

-- name: write_output(name, length, begun_at, sequence)
UPDATE output SET name = :name, length = :length, begun_at = :begun_at, sequence = :sequence;

-- name: read_server_clock(machine)
SELECT ahead_microseconds FROM server_clocks WHERE machine = :machine;

-- name: save_server_clock(machine, ahead_microseconds)
INSERT INTO server_clocks (machine, ahead_microseconds) VALUES (:machine, :ahead_microseconds)
ON CONFLICT (machine) DO UPDATE SET ahead_microseconds = excluded.ahead_microseconds;

-- name: drop_other_server_clocks(machine)
-- `machine` is a boot id. Only one process at a time writes, so other rows are of earlier boots or of machines that no
-- longer write.
DELETE FROM server_clocks WHERE machine <> :machine;
