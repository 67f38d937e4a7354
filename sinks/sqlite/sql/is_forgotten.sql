-- ?1 mark of the engagement, ?2 marks of the visitor
SELECT EXISTS (SELECT 1 FROM forgotten WHERE kind = 'engagement' AND mark = ?1)
    OR EXISTS (SELECT 1 FROM json_each(?2) i JOIN forgotten f ON f.kind = 'visitor' AND f.mark = i.value);
