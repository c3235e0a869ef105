"""An app of the test settings alone: what empties the database after a test with transactions."""
