"""What assets work with: lake, warehouse, dbt and Spark."""
