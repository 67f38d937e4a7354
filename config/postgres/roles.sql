-- Roles for glia-sync, for a superuser or a role that may create roles:
--
--     psql -d analytics -v ON_ERROR_STOP=1 -f roles.sql              (-v schema=NAME if it is not glia)
--
-- Run it before the first migration and again after every migration; what is already right stays unchanged.
--
--   glia_owner    owns the schema and its tables; migrations run as it. Nobody logs in as it.
--   glia_writer   what the service logs in as: reads and writes rows, changes no table. Give it a password
--                 (\password glia_writer) or another way to log in.
--   glia_reader   for analysts: GRANT glia_reader TO alice. Reads the data, but not the program's own state; changes nothing.
--
-- -v visitor_data=no      hides from the reader what can show who a visitor is: the columns whose comments say "personal data", and columns
--                         without a comment. The views never contain such columns.
-- -v visitor_data=yes     lets the reader see these columns too.
--
-- Without visitor_data, a run keeps the choice of the run before. The choice is stored in the comment on the schema, so a dump contains it.
-- If the comment has no choice, the reader's privileges show it. If nobody has chosen for a schema, the reader sees these columns.
\if :{?schema}
\else
    \set schema glia
\endif
SELECT set_config('glia.schema', :'schema', false) \g /dev/null
\if :{?visitor_data}
\else
    \set visitor_data kept
\endif
SELECT set_config('glia.visitor_data', :'visitor_data', false) \g /dev/null

DO $roles$
DECLARE
    name text;
    schema text := current_setting('glia.schema');
    visitor_data text := current_setting('glia.visitor_data');
    readable text[] := ARRAY['engagements', 'engagement_sites', 'engagement_operators', 'engagement_queues', 'audio_recordings',
                             'operators', 'operator_sites', 'sites', 'name_history', 'queues', 'legs', 'leg_queues', 'chat_messages', 'queue_wait_samples', 'undocumented_members',
                             'queue_wait_intervals', 'handle_intervals', 'wrap_up_intervals', 'operator_state_intervals', 'statistics_readings', 'engagement_facts', 'leg_facts', 'queue_hourly',
                             'operator_daily', 'freshness', 'removals', 'volume', 'queue_intervals', 'operator_intervals', 'transfers', 'repeat_contacts', 'chat_facts', 'chat_responses',
                             'business_hours', 'holidays'];
    personal constant text := 'personal data';
    remark text;  -- the comment on the schema
    columns text;
BEGIN
    IF visitor_data NOT IN ('yes', 'no', 'kept') THEN
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

    remark := coalesce((SELECT obj_description(n.oid, 'pg_namespace') FROM pg_namespace n WHERE n.nspname = schema), '');
    IF visitor_data = 'kept' THEN
        -- The choice in the comment counts. If there is none: no, if the reader sees some columns of a table, but not all personal ones.
        visitor_data := coalesce(
            substring(remark FROM '\[glia_reader: visitor_data=(yes|no)\]'),
            (SELECT 'no' FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             WHERE c.relnamespace = to_regnamespace(quote_ident(schema)) AND c.relname = ANY (readable)
               AND col_description(c.oid, a.attnum) ~* personal AND NOT has_column_privilege('glia_reader', c.oid, a.attnum, 'SELECT')
               AND has_any_column_privilege('glia_reader', c.oid, 'SELECT')
             LIMIT 1),
            'yes');
        RAISE NOTICE 'glia_reader % visitor data in schema % (-v visitor_data=yes or no changes that)',
            CASE visitor_data WHEN 'yes' THEN 'sees' ELSE 'does not see' END, schema;
    ELSIF remark NOT LIKE '%[glia_reader: visitor_data=' || visitor_data || ']%' THEN
        remark := regexp_replace(remark, ' ?\[glia_reader: visitor_data=\w*\]', '', 'g');
        EXECUTE format('COMMENT ON SCHEMA %I IS %L', schema, ltrim(remark || ' [glia_reader: visitor_data=' || visitor_data || ']'));
    END IF;

    -- The writer reads and writes every table, those of later migrations too.
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO glia_writer, glia_reader', schema);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO glia_writer', schema);
    EXECUTE format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA %I TO glia_writer', schema);
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE glia_owner IN SCHEMA %I
                    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO glia_writer', schema);
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE glia_owner IN SCHEMA %I
                    GRANT USAGE, SELECT ON SEQUENCES TO glia_writer', schema);

    -- The reader sees the tables and views that `readable` names, and no others.
    FOREACH name IN ARRAY readable LOOP
        CONTINUE WHEN to_regclass(format('%I.%I', schema, name)) IS NULL;
        -- Revokes everything first, so that no privilege of another choice remains.
        EXECUTE format('REVOKE ALL ON %I.%I FROM glia_reader', schema, name);
        IF visitor_data = 'yes' THEN
            EXECUTE format('GRANT SELECT ON %I.%I TO glia_reader', schema, name);
            CONTINUE;
        END IF;
        SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO columns
        FROM pg_attribute a
        WHERE a.attrelid = to_regclass(format('%I.%I', schema, name)) AND a.attnum > 0 AND NOT a.attisdropped
          AND col_description(a.attrelid, a.attnum) !~* personal;
        CONTINUE WHEN columns IS NULL;
        EXECUTE format('GRANT SELECT (%s) ON %I.%I TO glia_reader', columns, schema, name);
    END LOOP;
END
$roles$;
