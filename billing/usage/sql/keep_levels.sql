-- What: keep what sql/fold_levels.sql, which this goes on from, says; and nothing where no event is left.
, gone AS (
    DELETE FROM usage_daylevel AS kept USING touched t
    WHERE kept.account_id = t.a AND kept.meter_id = t.m AND kept.day = t.d AND kept.key = usage_key(t.p)
      AND NOT EXISTS (SELECT FROM folded WHERE (folded.a, folded.m, folded.d, folded.p) = (t.a, t.m, t.d, t.p))
)
INSERT INTO usage_daylevel AS kept
    (account_id, meter_id, day, key, dimensions, first_at,
     last_at, last_received_at, last_source, last_event_id, level, moved)
SELECT a, m, d, usage_key(p), p, first_at, last_at, last_received_at, last_source, last_event_id, level, moved
FROM folded
ON CONFLICT (account_id, meter_id, day, key) DO UPDATE SET
    first_at = excluded.first_at,
    last_at = excluded.last_at,
    last_received_at = excluded.last_received_at,
    last_source = excluded.last_source,
    last_event_id = excluded.last_event_id,
    level = excluded.level,
    moved = excluded.moved
