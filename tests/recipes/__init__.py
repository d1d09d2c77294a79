"""Ways to use the client in programs of other kinds; the README shows them, tests run them."""
