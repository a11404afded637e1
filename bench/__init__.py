"""What a registration costs, measured from outside: see README.md."""
