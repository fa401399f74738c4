"""The command line client, without a portal."""
