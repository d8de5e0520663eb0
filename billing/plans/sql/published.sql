-- What: a published plan version and its charges stay as they are, whoever asks, the tables' owner too.
-- Why: invoices are priced, and years later priced again, by them; a customer's terms change only by a change of plan.
-- SQLSTATE 23001 (restrict_violation), so that it reaches Django as an IntegrityError.

CREATE FUNCTION plans_version_is_published(version_id bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM plans_planversion WHERE id = version_id AND published_at IS NOT NULL)
$$;

CREATE FUNCTION plans_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    published boolean := true;  -- TRUNCATE asks no row
BEGIN
    IF TG_OP <> 'TRUNCATE' AND TG_TABLE_NAME = 'plans_planversion' THEN
        published := OLD.published_at IS NOT NULL;
    ELSIF TG_OP <> 'TRUNCATE' THEN
        published := (TG_OP <> 'INSERT' AND plans_version_is_published(OLD.version_id))
                  OR (TG_OP <> 'DELETE' AND plans_version_is_published(NEW.version_id));
    END IF;
    IF published THEN
        RAISE EXCEPTION 'a published plan version never changes: publish the next one (% on %)', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD WHEN 'TRUNCATE' THEN NULL ELSE NEW END;
END
$$;

CREATE TRIGGER published_version_stays BEFORE UPDATE OR DELETE ON plans_planversion
    FOR EACH ROW EXECUTE FUNCTION plans_refuse_change();
CREATE TRIGGER published_charges_stay BEFORE INSERT OR UPDATE OR DELETE ON plans_charge
    FOR EACH ROW EXECUTE FUNCTION plans_refuse_change();
CREATE TRIGGER published_versions_stay BEFORE TRUNCATE ON plans_planversion
    FOR EACH STATEMENT EXECUTE FUNCTION plans_refuse_change();
CREATE TRIGGER all_published_charges_stay BEFORE TRUNCATE ON plans_charge
    FOR EACH STATEMENT EXECUTE FUNCTION plans_refuse_change();
