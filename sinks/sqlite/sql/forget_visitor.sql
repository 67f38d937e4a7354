-- ?1 mark; what is known of the visitor's engagements, so that they can be forgotten one by one
SELECT id FROM engagements WHERE visitor_mark = ?1;
