"""A mail provider to try things with: Mailpit's HTTP API, an inbox page, and faults on request."""
