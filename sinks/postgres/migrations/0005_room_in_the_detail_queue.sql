-- Every row of the queue is written twice, when it comes and when it is claimed: with room for both on its page, the
-- claim touches no index and leaves no dead entries in the order of the queue, which the next claim would have to pass.
ALTER TABLE detail_queue SET (fillfactor = 45);
