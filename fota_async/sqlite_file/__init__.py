"""SQLite files that hold what must not be lost: opened with care, checked, and locked."""
