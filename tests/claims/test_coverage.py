"""The list of claims in README.md and the tests that hold them are the same."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from listing import listing

HERE = Path(__file__).parent


def test_every_claim_has_a_test_and_every_test_a_claim():
    listed = re.findall(r"^\| (C\d+) \|", (HERE / "README.md").read_text(), flags=re.MULTILINE)
    source = "".join(path.read_text() for path in HERE.glob("test_lesson_*.py"))
    names = " ".join(re.findall(r"^def (test_\w+)", source, flags=re.MULTILINE))
    assert listed == [f"C{k}" for k in range(1, len(listed) + 1)]
    assert set(re.findall(r"_(C\d+)(?=_)", names)) == set(listed)


def test_every_effect_of_today_has_a_test_and_every_test_says_what_it_claims():
    listed = re.findall(r"^\| (N\d+) \|", (HERE / "README.md").read_text(), flags=re.MULTILINE)
    tested = {claim for found in listing() for claim in found["claims"] if claim[0] == "N"}
    assert set(listed) == tested
    assert all(found["says"] for found in listing())
