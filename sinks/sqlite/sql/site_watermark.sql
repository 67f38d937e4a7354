SELECT synced_through FROM sync_state WHERE site_id = ?1;
