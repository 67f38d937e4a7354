SELECT ahead_microseconds FROM server_clocks WHERE machine = ?1;
