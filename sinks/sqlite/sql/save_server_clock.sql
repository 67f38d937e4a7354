INSERT INTO server_clocks (machine, ahead_microseconds) VALUES (?1, ?2)
ON CONFLICT (machine) DO UPDATE SET ahead_microseconds = excluded.ahead_microseconds;
