"""The shop's assets."""
