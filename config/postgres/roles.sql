-- Roles for glia-sync, for a superuser or a role that may create roles:
--
--     psql -d analytics -v ON_ERROR_STOP=1 -f roles.sql              (-v schema=NAME if it is not glia)
--
-- Run it before the first migration and again after every migration; what is in order already stays as it is.
--
--   glia_owner    owns the schema and its tables; migrations run as it. Nobody logs in as it.
--   glia_writer   what the service logs in as: reads and writes rows, changes no table. Give it a password
--                 (\password glia_writer) or another way to log in.
--   glia_reader   for analysts: GRANT glia_reader TO alice. Reads the data, none of the program's own state, changes nothing.
--
-- With -v visitor_data=no the reader sees everything but what can tell who a visitor is: the columns whose comments say
-- "Personal data". Without it, or with yes, the reader sees those too. The views show none of them either way.
\if :{?schema}
\else
    \set schema glia
\endif
SELECT set_config('glia.schema', :'schema', false) \g /dev/null
\if :{?visitor_data}
\else
    \set visitor_data yes
\endif
SELECT set_config('glia.visitor_data', :'visitor_data', false) \g /dev/null

DO $roles$
DECLARE
    name text;
    schema text := current_setting('glia.schema');
    visitor_data text := current_setting('glia.visitor_data');
    columns text;
BEGIN
    IF visitor_data NOT IN ('yes', 'no') THEN
        RAISE EXCEPTION 'visitor_data must be yes or no, not %', visitor_data;
    END IF;
    FOREACH name IN ARRAY ARRAY['glia_owner', 'glia_writer', 'glia_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I %s', name, CASE name WHEN 'glia_writer' THEN 'LOGIN' ELSE 'NOLOGIN' END);
        END IF;
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = schema) THEN
        EXECUTE format('CREATE SCHEMA %I AUTHORIZATION glia_owner', schema);
    END IF;

    -- The writer reads and writes every table, those of later migrations too.
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO glia_writer, glia_reader', schema);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO glia_writer', schema);
    EXECUTE format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA %I TO glia_writer', schema);
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE glia_owner IN SCHEMA %I
                    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO glia_writer', schema);
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE glia_owner IN SCHEMA %I
                    GRANT USAGE, SELECT ON SEQUENCES TO glia_writer', schema);

    -- The reader sees the data, by name: a table that is not listed here is none of its business.
    FOREACH name IN ARRAY ARRAY['engagements', 'engagement_sites', 'engagement_operators', 'engagement_queues', 'audio_recordings',
                                'queues', 'legs', 'leg_queues', 'chat_messages', 'queue_wait_samples', 'engagement_facts', 'leg_facts', 'queue_hourly', 'operator_daily',
                                'freshness'] LOOP
        CONTINUE WHEN to_regclass(format('%I.%I', schema, name)) IS NULL;
        -- Taken away first: what was granted with another choice does not stay.
        EXECUTE format('REVOKE ALL ON %I.%I FROM glia_reader', schema, name);
        SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
               FILTER (WHERE coalesce(col_description(a.attrelid, a.attnum), '') NOT LIKE '%Personal data%')
        INTO columns
        FROM pg_attribute a
        WHERE a.attrelid = to_regclass(format('%I.%I', schema, name)) AND a.attnum > 0 AND NOT a.attisdropped;
        EXECUTE format('GRANT SELECT %s ON %I.%I TO glia_reader',
                       CASE WHEN visitor_data = 'no' THEN '(' || columns || ')' ELSE '' END, schema, name);
    END LOOP;
END
$roles$;
