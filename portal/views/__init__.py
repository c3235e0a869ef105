"""Pages of the portal itself; those of appointments and accounts lie with their apps."""
