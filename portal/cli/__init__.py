"""The `lastgood` command: a client of the HTTP API. It never imports Django."""
