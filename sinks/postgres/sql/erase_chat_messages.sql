-- $1 engagements
DELETE FROM chat_messages WHERE engagement_id = ANY ($1::text[]);
