"""The HTTP API of /api/v1: thin views over the actions and queries of accounts and billing."""
