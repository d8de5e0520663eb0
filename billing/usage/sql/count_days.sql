-- What: the day totals of one account and meter as its events say, for some local days.
-- Why: a rebuild writes them, a check compares with them; both must be what intake adds (billing/usage/intake).
-- Index: event_by_time (account, type, time), one range for each day: `OFFSET 0` holds the planner to it, which would
-- else read all events of the account, or of its partition, and look for their days then.
WITH counted AS (
    SELECT days.day, coalesce(named.dimensions, '{}') AS dimensions, sum(shown.events)::bigint AS events,
           coalesce(sum(shown.total), 0) AS total,
           CASE WHEN %(aggregation)s = 'max' THEN max(shown.maximum) END AS maximum,
           max(shown.arrived_at) AS arrived_at
    FROM unnest(%(days)s::date[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS days(day, f, u)
    CROSS JOIN LATERAL (
        SELECT texts, count(*) AS events, sum(quantity) AS total, max(quantity) AS maximum,
               max(received_at) AS arrived_at
        FROM (
            SELECT e.received_at,
                   CASE %(aggregation)s WHEN 'count' THEN 1 WHEN 'unique' THEN 0
                        ELSE usage_number(e.data -> %(value)s::text) END AS quantity,
                   ARRAY(SELECT usage_text(e.data -> name)
                         FROM unnest(%(dimensions)s::text[]) WITH ORDINALITY AS n(name, place) ORDER BY place) AS texts
            FROM usage_event e
            WHERE e.account_id = %(account)s AND e.type = %(type)s AND e."time" >= days.f AND e."time" < days.u
              AND NOT e.voided
              AND (%(aggregation)s <> 'unique' OR usage_text(e.data -> %(value)s::text) <> '')
            OFFSET 0
        ) AS e
        WHERE quantity IS NOT NULL
        GROUP BY texts
    ) AS shown
    CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(name, value) AS dimensions
        FROM unnest(%(dimensions)s::text[], shown.texts) AS n(name, value)
        WHERE value IS NOT NULL
    ) AS named
    GROUP BY days.day, named.dimensions
)
