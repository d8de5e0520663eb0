-- What: the day totals of one account and meter as its events say, for some local days.
-- Why: a rebuild writes them, a check compares with them; both must be what intake adds (billing/usage/intake).
-- Index: event_by_time (account, type, time), one range for each day.
WITH counted AS (
    SELECT days.day, coalesce(shown.dimensions, '{}') AS dimensions, count(*) AS events,
           coalesce(sum(shown.quantity), 0) AS total,
           CASE WHEN %(aggregation)s = 'max' THEN max(shown.quantity) END AS maximum,
           max(shown.received_at) AS arrived_at
    FROM unnest(%(days)s::date[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS days(day, f, u)
    CROSS JOIN LATERAL (
        SELECT e.received_at,
               CASE %(aggregation)s WHEN 'count' THEN 1 WHEN 'unique' THEN 0
                    ELSE usage_number(e.data -> %(value)s::text) END AS quantity,
               (SELECT jsonb_object_agg(name, usage_text(e.data -> name))
                FROM unnest(%(dimensions)s::text[]) AS name
                WHERE usage_text(e.data -> name) IS NOT NULL) AS dimensions
        FROM usage_event e
        WHERE e.account_id = %(account)s AND e.type = %(type)s AND e."time" >= days.f AND e."time" < days.u
          AND NOT e.voided
          AND (%(aggregation)s <> 'unique' OR usage_text(e.data -> %(value)s::text) <> '')
    ) AS shown
    WHERE shown.quantity IS NOT NULL
    GROUP BY days.day, shown.dimensions
)
