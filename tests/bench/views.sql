-- A year of {engagements} engagements, as many rows as the program would have written of them; for views.py.
CREATE TABLE made AS
    SELECT n, md5('e' || n)::uuid::text AS id,
           timestamptz '2025-01-01 00:00Z' + interval '365 days' * n / {engagements} + interval '3 seconds' * (n % 7) AS at,
           (n * 7919) % 997 AS h
    FROM generate_series(0::bigint, {engagements} - 1) n;
INSERT INTO sites (id, name, iana_time_zone, content_hash, first_seen_at, changed_at)
    SELECT md5('s' || n)::uuid::text, 'Site ' || n, CASE n WHEN 0 THEN 'Europe/Tallinn' ELSE 'America/New_York' END, '\x00', now(), now()
    FROM generate_series(0, 1) n;
INSERT INTO operators (id, name, fetched_at, content_hash, first_seen_at, changed_at)
    SELECT md5('o' || n)::uuid::text, 'Operator ' || n, now(), '\x00', now(), now() FROM generate_series(0, 199) n;
INSERT INTO queues (id, name, name_as_of, name_fetched_at, site_id)
    SELECT md5('q' || n)::uuid::text, 'Queue ' || n, now(), now(), md5('s' || n % 2)::uuid::text FROM generate_series(0, 19) n;
INSERT INTO business_hours SELECT id, d, '09:00', '17:00' FROM sites, generate_series(1, 5) d;
INSERT INTO engagements (id, engagement_type, created_at, duration, visitor_name, visitor_browser, visitor_device_type, visitor_id,
                         cobrowsing_used, video_used, audio_used, flagged, queue_wait_time, crm_forwarded, summary_forwarded,
                         platform, source, visitor_href, chat_transcript_href, fetched_at, first_seen_at, changed_at,
                         legs_fetched_at, core_hash, list_hash, legs_hash, first_site_id, first_complete_at)
    SELECT id, CASE WHEN h % 5 < 3 THEN 'reactive' ELSE 'proactive' END, at, 60 + h, 'Visitor ' || n, 'Firefox', 'desktop',
           md5('v' || n % ({engagements} / 3))::uuid::text, h % 3 = 0, h % 11 = 0, h % 4 = 0, false, h % 90, true, true, 'omnicore', 'tab',
           'https://api.glia.com/visitors/' || md5('v' || n), 'https://api.glia.com/engagements/' || id || '/chat_transcript',
           at + interval '1 hour', at + interval '1 hour', at + interval '1 hour', at + interval '1 hour', '\x00', '\x00', '\x00',
           md5('s' || n % 2)::uuid::text, at + interval '1 hour'
    FROM made;
INSERT INTO engagement_sites SELECT id, md5('s' || n % 2)::uuid::text FROM made;
INSERT INTO engagement_queues SELECT id, 0, md5('q' || n % 20)::uuid::text FROM made WHERE h % 5 < 3;
INSERT INTO legs (engagement_id, id, position, operator_id, site_id, requested_at, accepted_at, request_type, request_source,
                  offered_media_type, accepted_media_type, duration, highest_visitor_media_type, highest_operator_media_type,
                  used_cobrowsing, ended_at, end_reason, queue_id)
    SELECT m.id, md5(k || m.id)::uuid::text, k, md5('o' || ((m.n + k) % 8 - extract(hour FROM m.at)::int + 24) % 24 + 24 * ((m.n + k) / 8 % 8))::uuid::text,
           md5('s' || m.n % 2)::uuid::text, m.at + k * interval '300 seconds', m.at + k * interval '300 seconds' + interval '1 second' * (h % 45),
           CASE WHEN k > 0 THEN 'transfer' WHEN h % 5 < 3 THEN 'reactive' ELSE 'proactive' END, 'tab', 'text', 'text', 60 + h, 'text', 'text', false,
           m.at + k * interval '300 seconds' + interval '1 second' * (h % 45 + 60 + h),
           CASE WHEN k = 0 AND h % 5 = 0 THEN 'transfer' ELSE 'visitor_left' END, md5('q' || (m.n + k) % 20)::uuid::text
    -- One of the operators at work: 192 operators work eight hours a day.
    FROM made m CROSS JOIN generate_series(0, 1) k WHERE k = 0 OR h % 5 = 0;
INSERT INTO leg_queues SELECT engagement_id, id, 0, queue_id FROM legs;
INSERT INTO chat_messages (engagement_id, position, id, created_at, type, message, sender_type)
    SELECT m.id, k, md5(k || m.id), m.at + k * interval '20 seconds', 'user', 'How may I help you? ' || k,
           CASE k % 2 WHEN 0 THEN 'visitor' ELSE 'operator' END
    FROM made m CROSS JOIN generate_series(0, 5) k
    WHERE m.at >= '2025-08-15' AND m.at < '2025-10-15';
CREATE TABLE half_hours AS SELECT t AS at, md5('s' || n)::uuid::text AS site_id, n
    FROM generate_series(timestamptz '2025-08-01 00:00Z', '2025-10-31 00:00Z', interval '30 minutes') t, generate_series(0, 1) n;
INSERT INTO queue_wait_intervals
    SELECT at, 1800, site_id, md5('q' || q)::uuid::text, o, 'false', 'chat', 5, 100, 40, 3, 1
    FROM half_hours, generate_series(0, 19) q,
         unnest(ARRAY['finished', 'canceled', 'disconnected', 'fallback']) WITH ORDINALITY AS k (o, nth)
    WHERE q % 2 = n AND (extract(epoch FROM at) / 1800 + q) % nth = 0;
INSERT INTO handle_intervals
    SELECT at, 1800, site_id, md5('q' || q)::uuid::text, md5('o' || (q * 10 + o))::uuid::text, 'reactive', 'engagement_end', 3, 900
    FROM half_hours, generate_series(0, 19) q, generate_series(0, 2) o WHERE q % 2 = n;
INSERT INTO wrap_up_intervals
    SELECT at, 1800, site_id, md5('q' || q)::uuid::text, md5('o' || (q * 10 + o))::uuid::text, 3, 90
    FROM half_hours, generate_series(0, 19) q, generate_series(0, 2) o WHERE q % 2 = n;
INSERT INTO operator_state_intervals
    SELECT at, 1800, site_id, md5('o' || o)::uuid::text, s, 400
    FROM half_hours, generate_series(0, 199) o, unnest(ARRAY['chat', 'engaged', 'post-engagement', 'meal-break']) s
    WHERE o % 2 = n AND (extract(hour FROM at)::int + o) % 24 < 8;
INSERT INTO statistics_readings SELECT site_id, s, at, 1800, at, true
    FROM half_hours, unnest(ARRAY['queue_wait', 'handle', 'wrap_up', 'operator_state']) s;
INSERT INTO sync_state (site_id, synced_from, synced_through) SELECT id, '2025-01-01', '2026-01-01' FROM sites;
INSERT INTO backfills (window_from, window_to, to_is_open, window_seconds, sites, finished_at)
    SELECT '2024-01-01', '2025-01-01', false, 86400, array_agg(id), now() FROM sites;
DROP TABLE made, half_hours;
