"""Small runs under every fault at once, checked against what the simulator knows.

`python tests/chaos --seeds 0 5000` runs more of them than the test suite does.
"""
