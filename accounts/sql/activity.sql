-- What: who changed what stays as it was kept: UPDATE, DELETE and TRUNCATE are refused, also for the table's owner.
-- Why: a record that can be mended proves nothing, neither to the customer nor to support.
-- SQLSTATE 23001 (restrict_violation), so that it reaches Django as an IntegrityError.

CREATE FUNCTION accounts_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was done stays on record (% on %)', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER kept_activity_stays BEFORE UPDATE OR DELETE ON accounts_activity
    FOR EACH ROW EXECUTE FUNCTION accounts_refuse_change();
CREATE TRIGGER kept_activities_stay BEFORE TRUNCATE ON accounts_activity
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_refuse_change();
