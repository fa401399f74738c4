"""Assets: what the code that is deployed defines, and what each deploy changed in it."""
