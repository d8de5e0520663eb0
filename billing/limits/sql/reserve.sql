-- Stores the reservations of one account that were granted together.
-- Why not the ORM: bulk_create makes its statement anew each time, while other callers of the account wait.
INSERT INTO limits_reservation (id, account_id, meter_id, quantity, dimensions, period_id, version_id, limits, charges,
    expires_at, source, event_id)
SELECT r.id, %(account)s, r.meter, r.quantity, r.dimensions, %(period)s, %(version)s, %(limits)s, r.charges,
    r.expires_at, '', ''
FROM jsonb_to_recordset(%(rows)s)
    AS r(id uuid, meter bigint, quantity numeric, dimensions jsonb, charges jsonb, expires_at timestamptz)
