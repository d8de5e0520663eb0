-- What: a recorded payment stays as it is, as the ledger's entries that it made do. UPDATE, DELETE and TRUNCATE are refused.
-- Why: an invoice's status is read from these rows; who could change one could call an open invoice paid.

CREATE TRIGGER recorded_payment_stays BEFORE UPDATE OR DELETE ON invoices_payment
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER recorded_payments_stay BEFORE TRUNCATE ON invoices_payment
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
