-- Revokes from PUBLIC the built-in functions with which a reader could write or stop a writer.
-- Large objects are rows a reader could create; the advisory locks are those of publisher, mailer and migrations. Run
-- in the warehouse by the bootstrap role: it owns the functions, not wh_owner. Where that role is no superuser (a
-- hosted server), the functions stay as the host set them.
DO $$
DECLARE
    builtin regprocedure;
BEGIN
    IF current_setting('is_superuser') <> 'on' THEN
        RETURN;
    END IF;
    FOR builtin IN
        SELECT p.oid
        FROM pg_catalog.pg_proc AS p
        WHERE
            p.pronamespace = 'pg_catalog'::regnamespace
            AND (p.proname LIKE 'lo\_%' OR p.proname IN ('loread', 'lowrite') OR p.proname LIKE 'pg\_%advisory%')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', builtin);
        IF builtin::text LIKE '%advisory%' THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO wh_owner, wh_loader, wh_mailer', builtin);
        END IF;
    END LOOP;
END
$$;
