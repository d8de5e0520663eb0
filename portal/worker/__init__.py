"""The background worker that `serve`, `demo` and `manage.py worker` run.

* jobs.py: what runs every minute, found due in the domain's own tables.
* alerts.py: thresholds within seconds of usage, by LISTEN.
* webhooks.py: deliveries within seconds of their facts, by LISTEN, and their retries.
* run.py: one process that does all of it until a signal, and outlives restarts of PostgreSQL.

Why procrastinate for the minutes and not for alerts and webhooks: it makes each minute's job once however many workers
run, and keeps failures to look at; but a job for each batch of usage would write a row where most come to nothing.
"""
