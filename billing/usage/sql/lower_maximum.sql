-- What: find the maximum of some day totals again, after an event was replaced or voided.
-- Why: a maximum cannot be taken back. The rows are locked by the adding before it, so an event that is being
-- stored at the same time raises the maximum after us.
-- Index: event_by_time (account, type, time).
UPDATE usage_daytotal AS kept SET maximum = (
    SELECT max(usage_number(e.data -> s.value))
    FROM usage_event e
    WHERE e.account_id = kept.account_id AND e.type = s.event_type AND NOT e.voided
      AND e."time" >= batch.f AND e."time" < batch.u
      AND NOT EXISTS (
          SELECT FROM jsonb_array_elements_text(s.dimensions) AS name
          WHERE usage_text(e.data -> name) IS DISTINCT FROM kept.dimensions ->> name
      )
)
FROM json_to_recordset(%(totals)s::json)
        AS batch(a bigint, m bigint, d date, p jsonb, f timestamptz, u timestamptz)
    JOIN usage_rollupshape s ON s.meter_id = batch.m
WHERE kept.account_id = batch.a AND kept.meter_id = batch.m AND kept.day = batch.d AND kept.key = usage_key(batch.p)
