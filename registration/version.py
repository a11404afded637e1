VERSION = "1.0.0"
"""Of the service and of its API."""
