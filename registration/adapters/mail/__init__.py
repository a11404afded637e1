"""The mail providers: one file each, and one client that speaks to all of them."""
