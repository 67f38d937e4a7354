-- $1 machine
SELECT ahead_microseconds AS ahead FROM server_clocks WHERE machine = $1;
