-- Waits for every transaction that has looked into `forgotten`, and holds up those that want to: what they write, they
-- write knowing what is forgotten.
LOCK TABLE forgotten IN ACCESS EXCLUSIVE MODE;
