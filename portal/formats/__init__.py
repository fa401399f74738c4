"""How dates are written where a library writes them: as on our own pages, with hours that count to 24."""
