"""The resources: one file each, its routes at the top, the versions side by side."""
