"""The harness of the chaos suite: what it kills, when, with what in flight, and what must hold afterwards."""
