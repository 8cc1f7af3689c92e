"""Side-by-side measurements, each runnable by itself: ``bin/bench NAME [--rows N] [--json]``."""
