-- Which of these are forgotten, by their numbers from 1? $1 kinds, $2 marks
SELECT i.number
FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS i (kind, mark, number)
WHERE EXISTS (SELECT FROM forgotten f WHERE f.kind = i.kind AND f.mark = i.mark);
