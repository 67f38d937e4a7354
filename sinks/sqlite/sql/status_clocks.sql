SELECT machine, ahead_microseconds / 1e6 FROM server_clocks ORDER BY machine;
