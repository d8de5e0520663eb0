-- What: put the totals of distinct values together again that some days are kept by, as if the value were no dimension.
-- Why: a distinct value is what an event said, a user's name maybe; it goes with the raw events that said it, unless
-- prices filter on it.
-- Index: the primary key of the day totals (account, meter, day, dimensions' key).
WITH gone AS (
    DELETE FROM usage_daytotal AS kept USING usage_rollupshape s, plans_meter m
    WHERE s.meter_id = kept.meter_id AND s.aggregation = 'unique' AND s.event_type <> ALL(%(kept)s::text[])
      AND m.id = kept.meter_id AND NOT m.priced_dimensions ? s.value AND kept.dimensions ? s.value
      AND kept.account_id = %(account)s AND kept.day = ANY(%(days)s::date[])
    RETURNING kept.meter_id, kept.day, kept.dimensions - s.value::text AS dimensions, kept.events, kept.arrived_at
)
INSERT INTO usage_daytotal AS kept
    (account_id, meter_id, day, key, dimensions, events, total, maximum, arrived_at)
SELECT %(account)s, meter_id, day, usage_key(dimensions), dimensions, sum(events), 0, NULL, max(arrived_at)
FROM gone GROUP BY meter_id, day, dimensions
ON CONFLICT (account_id, meter_id, day, key) DO UPDATE SET
    events = kept.events + excluded.events,
    arrived_at = greatest(kept.arrived_at, excluded.arrived_at)
