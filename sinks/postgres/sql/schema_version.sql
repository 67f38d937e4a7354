-- 0: there is no schema yet. $1 schema
SELECT to_regclass(quote_ident($1) || '.schema_version') IS NOT NULL AS there;
