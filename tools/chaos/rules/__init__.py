"""What the service promises, a module for each rule: pure functions from a history to a verdict."""
