"""Drivers that read, reload and verify the running system. Plain data in, plain data out."""
