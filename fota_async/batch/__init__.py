"""Device lists: split into batches, sent concurrently, merged into one report.

This package knows a session only as a protocol.
"""
