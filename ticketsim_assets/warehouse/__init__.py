"""The warehouse behind one protocol, with an implementation for DuckDB and one for BigQuery."""
