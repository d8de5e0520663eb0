-- Writes a message, once for its type and fact, and gives its id if it is new.
-- Why not the ORM: bulk_create(ignore_conflicts=True) cannot say whether the row is new, and only then the worker is woken.
-- Index: webhook_message_once_per_fact; a second transaction with the same fact waits there for the first one's end.
INSERT INTO webhooks_message (id, account_id, type, fact, payload, test, occurred_at)
VALUES (%(id)s, %(account)s, %(type)s, %(fact)s, %(payload)s, %(test)s, %(occurred_at)s)
ON CONFLICT (type, fact) DO NOTHING
RETURNING id
