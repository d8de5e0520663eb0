-- What portal/checks/database.py judges, in one reading of the catalogues; no index needed.
-- A table of an account's rows is one with an account_id. Each has row-level security, forced on its owner too, but for
-- the two that say whose account a request is of, and so are read before one is known.
SELECT
    current_setting('server_version_num')::int / 10000 AS version,
    current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('server_encoding') AS encoding,
    current_setting('data_checksums') AS data_checksums,
    current_user::text AS role,
    (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) AS passes_rules,
    ARRAY(
        SELECT c.relname::text
        FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'account_id' AND NOT a.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
            AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
            AND c.relname NOT IN ('accounts_apikey', 'accounts_membership')
        ORDER BY 1
    ) AS unlocked_tables,
    ARRAY(
        SELECT c.relname || '.' || t.tgname
        FROM pg_trigger t
        JOIN pg_class c ON c.oid = t.tgrelid AND c.relnamespace = 'public'::regnamespace
        WHERE NOT t.tgisinternal AND t.tgenabled NOT IN ('O', 'A')
        ORDER BY 1
    ) AS idle_triggers
