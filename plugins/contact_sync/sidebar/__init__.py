"""The agent-facing HTTP service: reads sidebar rows, takes edits at the door, hears webhooks; decides nothing."""
