"""The API's part about assets: load, one call, translate."""
