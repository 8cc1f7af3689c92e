"""A place to try things: stand-ins for both vendors, made-up people, a local Postgres, the demo."""
