-- Makes the deliveries of messages that have none yet: one for each endpoint in use that hears of their type, of the
-- message's account or of the installation. Gives how many messages were spread.
-- Why not the ORM: rows are locked, joined and inserted in one statement, so that two workers share them out.
-- Index: webhook_message_unspread; webhook_delivery_once.
WITH fresh AS (
    SELECT id, account_id, type
    FROM webhooks_message
    WHERE spread_at IS NULL
    ORDER BY occurred_at
    LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
), made AS (
    INSERT INTO webhooks_delivery (id, message_id, endpoint_id, account_id, attempts, next_try_at, give_up_at, error)
    SELECT gen_random_uuid(), fresh.id, endpoint.id, endpoint.account_id, 0, %(now)s, %(give_up_at)s, ''
    FROM fresh
    JOIN webhooks_endpoint AS endpoint
      ON (endpoint.account_id = fresh.account_id OR endpoint.account_id IS NULL)
     AND endpoint.off = '' AND endpoint.types ? fresh.type
    ON CONFLICT (message_id, endpoint_id) DO NOTHING
)
UPDATE webhooks_message AS message SET spread_at = %(now)s FROM fresh WHERE message.id = fresh.id
