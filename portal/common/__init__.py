"""What both apps may lean on: problems, paging, small helpers. Knows no app."""
