-- Takes deliveries that are due for a try: their next one moves behind the lease, so no other worker takes them, and what
-- a killed worker had in hand is due again by itself.
-- Each endpoint gives at most %(each)s at once, less those of it that this worker has in hand (%(busy)s: {id: number}),
-- so that a long queue of one does not stand before the others.
-- Why not the ORM: a limit for each endpoint needs LATERAL.
-- Index: webhook_due_of_endpoint.
WITH taken AS MATERIALIZED (
    SELECT due.id
    FROM webhooks_endpoint AS endpoint
    CROSS JOIN LATERAL (
        SELECT id, next_try_at
        FROM webhooks_delivery
        WHERE endpoint_id = endpoint.id AND next_try_at <= %(now)s
        ORDER BY next_try_at
        LIMIT greatest(%(each)s - coalesce((%(busy)s::jsonb ->> endpoint.id::text)::int, 0), 0)
        FOR UPDATE SKIP LOCKED
    ) AS due
    WHERE endpoint.off = '' AND (endpoint.failing_since IS NOT NULL) = %(failing)s
    ORDER BY due.next_try_at
    LIMIT %(most)s
)
UPDATE webhooks_delivery AS delivery
SET next_try_at = %(lease)s, attempts = attempts + 1, last_tried_at = %(now)s
FROM taken
WHERE delivery.id = taken.id
RETURNING delivery.id
