-- What: the ledger is only ever added to. UPDATE, DELETE and TRUNCATE are refused, also as part of an upsert or a MERGE, also
-- for the tables' owner; no entry joins a transaction of the ledger after the transaction of the database that wrote it. At
-- commit each sums to zero, no credit is used beyond what it gave, and no invoice is paid or settled beyond what was owed.
-- Why: the books must balance whatever the code does. Deferred, because entries follow their transaction; the scope is put
-- back as in sums.sql. SQLSTATE 23001 and 23514. Indexes: those of the foreign keys, and credit_of_account.

CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is only added to: write what takes it back (% on %)', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER posted_transaction_stays BEFORE UPDATE OR DELETE ON invoices_ledgertransaction
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER posted_transactions_stay BEFORE TRUNCATE ON invoices_ledgertransaction
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER posted_entry_stays BEFORE UPDATE OR DELETE ON invoices_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER posted_entries_stay BEFORE TRUNCATE ON invoices_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

CREATE TRIGGER posted_in_transaction BEFORE INSERT ON invoices_ledgertransaction
    FOR EACH ROW EXECUTE FUNCTION invoices_note_transaction();

CREATE FUNCTION ledger_refuse_late_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM invoices_ledgertransaction
        WHERE id = NEW.transaction_id AND issued_in = pg_current_xact_id()::text::bigint AND account_id = NEW.account_id
    ) THEN
        RAISE EXCEPTION 'the ledger is only added to: no entry joins a transaction later'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER entry_is_posted_with_its_transaction BEFORE INSERT ON invoices_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_late_entry();

CREATE FUNCTION ledger_check_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    scope text := coalesce(current_setting('plainbill.account', true), '');
    entries bigint;
    sum_of_entries numeric;
    credit_over bigint;
    owed_below bigint;
BEGIN
    PERFORM set_config('plainbill.account', '*', true);
    SELECT count(*), coalesce(sum(amount), 0) INTO entries, sum_of_entries
        FROM invoices_ledgerentry WHERE transaction_id = NEW.id;
    SELECT count(*) INTO credit_over FROM (
        SELECT FROM invoices_ledgerentry whole WHERE book = 'credit' AND account_id = NEW.account_id AND credit_id IN (
            SELECT credit_id FROM invoices_ledgerentry WHERE transaction_id = NEW.id AND book = 'credit')
        GROUP BY credit_id HAVING sum(amount) > 0) AS found;
    SELECT count(*) INTO owed_below FROM (
        SELECT FROM invoices_ledgerentry whole WHERE book = 'receivable' AND invoice_id IN (
            SELECT invoice_id FROM invoices_ledgerentry WHERE transaction_id = NEW.id AND book = 'receivable')
        GROUP BY invoice_id HAVING sum(amount) < 0) AS found;
    PERFORM set_config('plainbill.account', scope, true);
    IF entries = 0 OR sum_of_entries <> 0 THEN
        RAISE EXCEPTION 'ledger transaction %: its % entries sum to %, not to zero', NEW.id, entries, sum_of_entries
            USING ERRCODE = 'check_violation';
    ELSIF credit_over > 0 THEN
        RAISE EXCEPTION 'ledger transaction %: it uses more credit than there is', NEW.id USING ERRCODE = 'check_violation';
    ELSIF owed_below > 0 THEN
        RAISE EXCEPTION 'ledger transaction %: it pays or settles more than is owed', NEW.id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER transaction_balances AFTER INSERT ON invoices_ledgertransaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_balance();
