"""The trigger through which Airflow requests due hours from Dagster, over GraphQL and without Dagster installed."""
