-- What: issued documents (invoice, lines, PDF) stay as they are: UPDATE, DELETE and TRUNCATE are refused, also as part of an
-- upsert or a MERGE, also for the tables' owner; and no line joins an invoice after the transaction that issued it.
-- Why: accounting law, and the customer's trust; corrections are credit notes. The owner can switch triggers off: `verify`
-- says whether they are on, and prices every invoice again.
-- SQLSTATE 23001 (restrict_violation), so that it reaches Django as an IntegrityError.

CREATE FUNCTION invoices_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an issued document never changes: issue a credit note (% on %)', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER issued_invoice_stays BEFORE UPDATE OR DELETE ON invoices_invoice
    FOR EACH ROW EXECUTE FUNCTION invoices_refuse_change();
CREATE TRIGGER issued_invoices_stay BEFORE TRUNCATE ON invoices_invoice
    FOR EACH STATEMENT EXECUTE FUNCTION invoices_refuse_change();
CREATE TRIGGER issued_line_stays BEFORE UPDATE OR DELETE ON invoices_invoiceline
    FOR EACH ROW EXECUTE FUNCTION invoices_refuse_change();
CREATE TRIGGER issued_lines_stay BEFORE TRUNCATE ON invoices_invoiceline
    FOR EACH STATEMENT EXECUTE FUNCTION invoices_refuse_change();
CREATE TRIGGER issued_document_stays BEFORE UPDATE OR DELETE ON invoices_invoicedocument
    FOR EACH ROW EXECUTE FUNCTION invoices_refuse_change();
CREATE TRIGGER issued_documents_stay BEFORE TRUNCATE ON invoices_invoicedocument
    FOR EACH STATEMENT EXECUTE FUNCTION invoices_refuse_change();

-- The row says which transaction issued it: the whole one, savepoints included, which xmin would not.
CREATE FUNCTION invoices_note_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.issued_in := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END
$$;

CREATE TRIGGER issued_in_transaction BEFORE INSERT ON invoices_invoice
    FOR EACH ROW EXECUTE FUNCTION invoices_note_transaction();

CREATE FUNCTION invoices_refuse_late_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- An invoice of this transaction is seen by it, so one that row-level security hides is an earlier one too.
    IF NOT EXISTS (
        SELECT FROM invoices_invoice WHERE id = NEW.invoice_id AND issued_in = pg_current_xact_id()::text::bigint
    ) THEN
        RAISE EXCEPTION 'an issued document never changes: no line joins it later'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER line_is_issued_with_its_invoice BEFORE INSERT ON invoices_invoiceline
    FOR EACH ROW EXECUTE FUNCTION invoices_refuse_late_line();
