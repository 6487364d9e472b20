"""The dashboard: the marts as one self-contained HTML file that needs no server and no network."""
