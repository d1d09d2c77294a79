"""The wire: routes, and bytes into values and back. No I/O and no clock."""
