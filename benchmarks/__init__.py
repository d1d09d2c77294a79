"""What appending many devices costs: this library beside the vendor's SDK and a bare loop.

Run with ``python -m benchmarks`` from the project's root. Beside the library itself it needs
``orjson`` (the bare loop) and ``sdksio-verizon-apis-sdk`` (the vendor's).
"""
