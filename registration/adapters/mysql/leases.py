SECONDS = 25
"""Longer than any attempt with its record, and short enough that a dead process's mails leave within 30 s."""

ATTEMPT_SECONDS = 20
"""What must be left of a lease to begin under it: a short attempt that fails over (4 s), then a long one (15 s)."""
