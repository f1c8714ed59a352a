"""The forms with which learners answer."""
