"""Drivers that put a release in place. Plain data in; two exceptions out."""
