-- What: at commit an issued invoice adds up: lines = subtotal, subtotal - discounts + tax = total, total - credits = due,
-- each tax amount belongs to the tax total, and there is a line at all.
-- Why: the last lock behind billing/pricing/totals.py (contract, section 5). Deferred, because lines follow their invoice.
-- The scope of row-level security is over by then, hence the function's own, put back afterwards for what else waits for
-- the commit. Index: line_position_once.

CREATE FUNCTION invoices_check_sums() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    scope text := coalesce(current_setting('plainbill.account', true), '');
    lines bigint;
    line_sum numeric;
    discount_sum numeric;
    tax_sum numeric;
BEGIN
    PERFORM set_config('plainbill.account', '*', true);
    SELECT count(*), coalesce(sum(amount), 0) INTO lines, line_sum
        FROM invoices_invoiceline WHERE invoice_id = NEW.id;
    PERFORM set_config('plainbill.account', scope, true);
    SELECT coalesce(sum((item ->> 'amount')::numeric), 0) INTO discount_sum
        FROM jsonb_array_elements(NEW.snapshot -> 'discounts') AS item;
    SELECT coalesce(sum((item ->> 'amount')::numeric), 0) INTO tax_sum
        FROM jsonb_array_elements(NEW.snapshot -> 'taxes') AS item;
    IF lines = 0 THEN
        RAISE EXCEPTION 'invoice % has no line', NEW.number USING ERRCODE = 'check_violation';
    ELSIF line_sum <> NEW.subtotal THEN
        RAISE EXCEPTION 'invoice %: its lines add up to %, not to its subtotal %', NEW.number, line_sum, NEW.subtotal
            USING ERRCODE = 'check_violation';
    ELSIF tax_sum <> NEW.tax_total THEN
        RAISE EXCEPTION 'invoice %: its taxes add up to %, not to %', NEW.number, tax_sum, NEW.tax_total
            USING ERRCODE = 'check_violation';
    ELSIF NEW.subtotal - discount_sum + NEW.tax_total <> NEW.total OR NEW.total < 0 THEN
        RAISE EXCEPTION 'invoice %: % - % + % is not its total %', NEW.number, NEW.subtotal, discount_sum, NEW.tax_total,
            NEW.total USING ERRCODE = 'check_violation';
    ELSIF NEW.total - NEW.credits_applied <> NEW.amount_due OR NEW.amount_due < 0 THEN
        RAISE EXCEPTION 'invoice %: % - % is not the amount due %', NEW.number, NEW.total, NEW.credits_applied,
            NEW.amount_due USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER invoice_adds_up AFTER INSERT ON invoices_invoice
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION invoices_check_sums();
