-- May the role create the schema, or tables in it? $1 schema
SELECT CASE WHEN EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) THEN has_schema_privilege($1, 'CREATE')
            ELSE has_database_privilege(current_database(), 'CREATE') END AS may,
       current_user AS role, current_database() AS database, current_setting('server_version') AS server,
       pg_is_in_recovery() AS standby, current_setting('transaction_read_only') = 'on' AS read_only;
