-- All that an allowance or a reservation is decided by, in one statement: one round trip and one snapshot, so an event
-- and the reservation that it ends are seen both or neither. A row for each stretch of the running period on a plan.
-- Why not the ORM: it would ask ten times, at 36 times the cost of a SELECT by primary key.
-- Indexes: plans_period by account; plans_phase by subscription; plans_charge by version; the primary key of day
-- totals (account, meter, day); limit_version_in_order, read backwards; reservation_open.
-- Sums are by priced dimensions, for Python to match with the charges: a filter is read once for each, not each day.
-- Other meters have none, and maybe a row for each distinct value.
-- `earlier`: another period is continued by this one, or shares its first day (billing/limits/queries/books.py).
SELECT p.id, p.start, p."end", p.number, p.trial, p.first_day, p.end_day, p.timezone, z.timezone, ph.version_id,
    CASE WHEN p.number = 0 THEN EXISTS (
        SELECT FROM plans_period q
        WHERE q.account_id = p.account_id AND q.start < p.start
            AND (q."end" > p.first_day::timestamp AT TIME ZONE p.timezone
                OR (q.full_end > p.start AND q."end" < q.full_end))
    ) ELSE false END AS earlier,
    (
        SELECT json_agg(json_build_array(m.code, m.aggregation,
            CASE WHEN s.event_type = m.event_type AND s.aggregation = m.aggregation AND s.value = m.value
                THEN s.ready END,
            t.dimensions, t.events, t.total))
        FROM (SELECT DISTINCT c.meter_id FROM plans_charge c WHERE c.version_id = ph.version_id) w
        JOIN plans_meter m ON m.id = w.meter_id
        LEFT JOIN usage_rollupshape s ON s.meter_id = m.id
        LEFT JOIN LATERAL (
            SELECT any_value(d.dimensions) AS dimensions, sum(d.events) AS events, sum(d.total) AS total
            FROM usage_daytotal d
            WHERE d.account_id = p.account_id AND d.meter_id = m.id AND d.day >= p.first_day AND d.day < p.end_day
                AND m.aggregation IN ('count', 'sum')
            GROUP BY d.key
        ) t ON true
    )::text AS totals,
    (
        SELECT json_agg(json_build_array(l.id, m.code, l.amount, l.action))
        FROM (
            SELECT DISTINCT ON (v.meter_id) v.id, v.meter_id, v.amount, v.action
            FROM limits_limitversion v WHERE v.account_id = p.account_id
            ORDER BY v.meter_id DESC, v.since DESC
        ) l LEFT JOIN plans_meter m ON m.id = l.meter_id WHERE l.amount IS NOT NULL
    )::text AS limits,
    (
        SELECT json_agg(json_build_array(o.version_id, o.charge, o.quantity::text))
        FROM (
            SELECT r.version_id, a.key AS charge, sum(a.value::numeric) AS quantity
            FROM limits_reservation r LEFT JOIN LATERAL jsonb_each_text(r.charges) a ON true
            WHERE r.account_id = p.account_id AND r.period_id = p.id AND r.ended_at IS NULL
                AND r.expires_at > clock_timestamp()
            GROUP BY r.version_id, a.key
        ) o
    )::text AS reserved
FROM plans_period p
LEFT JOIN usage_rollupzone z ON z.account_id = p.account_id
LEFT JOIN plans_phase ph ON ph.subscription_id = p.subscription_id
    AND (ph."end" IS NULL OR ph."end" > p.start) AND ph.start < p."end"
WHERE p.account_id = %(account)s AND p.start <= %(at)s AND p."end" > %(at)s
