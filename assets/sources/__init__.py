"""From each world's own words to definitions in normal form. Nothing here refuses: what a platform serves is a fact."""
