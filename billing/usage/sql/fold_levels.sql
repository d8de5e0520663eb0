-- What: how levels went on some local days, by the dimension values of their totals: their first step, their last
-- value, and Σ step × moment (models.DayLevel). `touched` names the days, and of each the dimension values and since
-- when they changed (`s`): what is kept of the time before goes on from there. Where an event comes before one that was
-- folded in already, or at its instant, or one is taken back, the day is read from its beginning.
-- Why: intake keeps what this says, a rebuild writes it, a check compares with it. Intake runs it when it has added to
-- the day totals of the same keys: their rows are locked, so the events seen here are those of all who added to them.
-- `all`: the days as a whole, whatever the dimension values, for a rebuild.
-- Index: event_by_time (account, type, time), one range for each account, meter and day, which `OFFSET 0` holds to.
WITH touched AS MATERIALIZED (
    SELECT b.a, b.m, b.d, b.p, b.u, s.event_type, s.value, s.dimensions AS names,
           before.first_at, before.level, before.moved,
           CASE WHEN before.last_at >= b.s THEN b.f ELSE b.s END AS since,
           before.last_at < b.s AS goes_on
    FROM jsonb_to_recordset(%(touched)s::jsonb)
            AS b(a bigint, m bigint, d date, p jsonb, f timestamptz, u timestamptz, s timestamptz)
        JOIN usage_rollupshape s ON s.meter_id = b.m
        LEFT JOIN usage_daylevel before ON before.account_id = b.a AND before.meter_id = b.m
            AND before.day = b.d AND before.key = usage_key(b.p)
), levels AS (
    SELECT day.a, day.m, day.d, e."time", e.received_at, e.source, e.event_id, e.level, coalesce(e.p, '{}') AS p
    FROM (
        SELECT a, m, d, u, event_type, value, names, min(since) AS since FROM touched
        GROUP BY a, m, d, u, event_type, value, names
    ) AS day
    CROSS JOIN LATERAL (
        SELECT e."time", e.received_at, e.source, e.event_id, usage_number(e.data -> day.value) AS level,
               (SELECT jsonb_object_agg(name, usage_text(e.data -> name))
                FROM jsonb_array_elements_text(day.names) AS name
                WHERE usage_text(e.data -> name) IS NOT NULL) AS p
        FROM usage_event e
        WHERE e.account_id = day.a AND e.type = day.event_type AND e."time" >= day.since AND e."time" < day.u
          AND NOT e.voided
        OFFSET 0
    ) AS e
    WHERE e.level IS NOT NULL
), steps AS (
    SELECT l.*, extract(epoch FROM l."time") * 1000000 AS moment,
           CASE WHEN t.goes_on THEN t.first_at END AS began, CASE WHEN t.goes_on THEN t.moved END AS had,
           l.level - lag(l.level, 1, CASE WHEN t.goes_on THEN t.level ELSE 0 END) OVER series AS step,
           lead(l.level) OVER series IS NULL AS is_last
    FROM levels l LEFT JOIN touched t ON t.a = l.a AND t.m = l.m AND t.d = l.d AND t.p = l.p
    WHERE %(all)s OR l."time" >= t.since
    WINDOW series AS (PARTITION BY l.a, l.m, l.d, l.p ORDER BY l."time", l.received_at, l.source, l.event_id)
), folded AS (
    SELECT a, m, d, p, coalesce(min(began), min("time")) AS first_at,
           max("time") FILTER (WHERE is_last) AS last_at, max(received_at) FILTER (WHERE is_last) AS last_received_at,
           max(source) FILTER (WHERE is_last) AS last_source, max(event_id) FILTER (WHERE is_last) AS last_event_id,
           max(level) FILTER (WHERE is_last) AS level, coalesce(min(had), 0) + sum(step * moment) AS moved
    FROM steps GROUP BY a, m, d, p
)
