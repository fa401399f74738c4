"""What several files use."""

REGION = "eu"
