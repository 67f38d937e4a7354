-- Records that could not be loaded and name this visitor, as a whole text or at the end of a link.
-- $1 visitor, as stored
DELETE FROM rejected_records
WHERE payload_words(payload) @> ARRAY[hashtext($1::text)]
  AND (position('"' || $1::text || '"' IN payload) > 0 OR position('/' || $1::text || '"' IN payload) > 0);
