"""What the pages of all widgets share."""

from pathlib import Path

# Functions that a widget's own module follows: keys that stay the notebook's, and a live region
# that says so when Python does not answer.
HANDS = Path(__file__).with_name("hands.js").read_text(encoding="utf-8")
