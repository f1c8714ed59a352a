"""What stands behind schedules and optimizers, and what no lesson asks you to read."""
