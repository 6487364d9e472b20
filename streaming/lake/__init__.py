"""The lake's one Delta table: its layout and schema, its creation, and readers that need no JVM."""
