"""Predictions, recall questions, and the tests before and after the course."""
