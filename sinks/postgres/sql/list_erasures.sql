-- Erasures of rows, the oldest first. They are few: each is a call of `forget`.
SELECT kind, id FROM erasures WHERE kind <> 'recordings' ORDER BY requested_at, kind, id;
