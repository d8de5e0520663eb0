"""The way of an event from bytes to a durable row, its day totals and an answer (contract, section 6)."""
