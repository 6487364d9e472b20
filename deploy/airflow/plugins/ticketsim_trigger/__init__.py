"""How Airflow asks Dagster for the hours that are due: over GraphQL, with nothing of Dagster installed."""
