-- What: at commit no invoice is credited beyond what it came to, as a whole and by line; a credit note by hand is of its
-- account and currency, settles no more than it gives back, and every one of its lines is a line of that invoice.
-- Why: the last lock behind billing/pricing/given_back.py. Deferred, because lines follow their document; the scope is put
-- back as in sums.sql. Indexes: those of the two foreign keys.

CREATE FUNCTION invoices_check_credited() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    scope text := coalesce(current_setting('plainbill.account', true), '');
    whole invoices_invoice%ROWTYPE;
    given numeric;
    beyond bigint;
BEGIN
    PERFORM set_config('plainbill.account', '*', true);
    SELECT * INTO whole FROM invoices_invoice WHERE id = NEW.credited_id;
    SELECT sum(total) INTO given FROM invoices_invoice WHERE credited_id = NEW.credited_id;
    SELECT count(*) INTO beyond FROM invoices_invoiceline mine
        LEFT JOIN invoices_invoiceline theirs ON theirs.id = mine.credited_id
        WHERE mine.invoice_id = NEW.id AND (
            theirs.invoice_id IS DISTINCT FROM NEW.credited_id
            OR (SELECT sum(each.amount) FROM invoices_invoiceline each WHERE each.credited_id = theirs.id)
               NOT BETWEEN least(theirs.amount, 0) AND greatest(theirs.amount, 0));
    PERFORM set_config('plainbill.account', scope, true);
    IF whole.kind <> 'invoice' OR NEW.kind <> 'credit_note' OR whole.account_id <> NEW.account_id
       OR whole.currency <> NEW.currency THEN
        RAISE EXCEPTION 'credit note % is not of invoice %', NEW.number, whole.number USING ERRCODE = 'check_violation';
    ELSIF given > whole.total THEN
        RAISE EXCEPTION 'invoice % came to %, its credit notes to %', whole.number, whole.total, given
            USING ERRCODE = 'check_violation';
    ELSIF NEW.settles < 0 OR NEW.settles > NEW.total THEN
        RAISE EXCEPTION 'credit note % settles %, and comes to %', NEW.number, NEW.settles, NEW.total
            USING ERRCODE = 'check_violation';
    ELSIF beyond > 0 THEN
        RAISE EXCEPTION 'credit note %: % of its lines give back more than invoice % charged', NEW.number, beyond,
            whole.number USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER credit_note_stays_within AFTER INSERT ON invoices_invoice
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.credited_id IS NOT NULL)
    EXECUTE FUNCTION invoices_check_credited();
