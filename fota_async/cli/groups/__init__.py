"""The commands that make one call, one file a group; their names are those of the methods."""
