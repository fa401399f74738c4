"""Telling people: what is worth telling, once an incident; and sending it, so that no failure to send gets in the way."""
