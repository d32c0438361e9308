"""Django's PostgreSQL, for connections that last and that may lead through PgBouncer (ADR 0018)."""
