"""A storm: many people and officers at once on a small world, replayable by its seed."""
