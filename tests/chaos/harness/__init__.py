"""What the chaos suite kills, when, with what in flight, and what must hold afterwards."""
