"""Attacks on the grader, and the command that runs them on this machine."""
