"""Reading a branch of somebody's repository with `git`: plain data in, plain data out. Nothing is ever checked out."""
