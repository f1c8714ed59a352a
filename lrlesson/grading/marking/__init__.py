"""One class marked: exercises run, compared outside, and the capstone refereed."""
