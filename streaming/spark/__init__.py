"""Spark's surroundings: Java, the jars, the session and the Python workers."""
