"""The pages about assets: load, one call, translate."""
