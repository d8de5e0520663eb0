"""Do webhooks arrive, each at least once, while receivers misbehave and workers die? See __main__.py."""
