"""Years of the whole park through the real ingest path: a seeded script, its deliveries, and a ledger of its own to check by."""
