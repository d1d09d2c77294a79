"""What this library costs, measured beside a bare loop, the vendor's SDK and what cannot be less.

Run with ``python -m benchmarks`` from the project's root; each subject is a module. It needs the
extra ``bench``: ``orjson`` (the bare loop), ``sdksio-verizon-apis-sdk`` (the vendor's) and
``distributed`` (the cluster).
``benchmarks.limit`` and ``benchmarks.callbacks`` are measurements of their own.
"""
