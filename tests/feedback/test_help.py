"""hint, solution, summary and progress."""

import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest

from lrlesson.feedback import check, hint, predict, progress, solution, summary, where_am_i
from lrlesson.feedback.exercises import all_exercises
from lrlesson.feedback.progress import Incomplete
from lrlesson.feedback.questions.bank import all_questions


def right(t, lr0, drop, every):
    return lr0 * drop ** (np.asarray(t) // every)


def wrong(number: int):
    """A wrong answer; a different one for each number."""
    namespace: dict = {}
    exec(f"def step_decay(t, lr0, drop, every):\n    return lr0 * {number}", namespace)
    return namespace["step_decay"]


def test_hints_come_one_at_a_time_and_start_again():
    texts = [repr(hint("step-decay")) for _ in range(4)]
    for number, text in enumerate(texts[:3], 1):
        assert f"Hint {number} of 3" in text
        assert all_exercises()["step-decay"].hints[number - 1] in text
    assert texts[3] == texts[0]
    assert "Hint 1 of 3" in repr(hint("gradient-descent"))


def test_a_hint_may_be_asked_for_by_number():
    assert "Hint 3 of 3" in repr(hint("step-decay", 3))
    for number in (0, 4, -1, "2"):
        with pytest.raises(ValueError, match="expected 1 to 3"):
            hint("step-decay", number)


def test_unknown_ids_are_refused():
    for function in (hint, solution, summary):
        with pytest.raises(ValueError, match="did you mean 'step-decay'"):
            function("stepdecay")


def reference_shown(help) -> bool:
    return "np.asarray(t) // every" in repr(help)


def test_the_solution_comes_after_three_different_attempts():
    assert not reference_shown(solution("step-decay"))
    for _ in range(4):  # the same attempt again is no other attempt
        check("step-decay", wrong(3))
    assert not reference_shown(solution("step-decay"))
    assert "1 of 3" in repr(solution("step-decay"))
    check("step-decay", wrong(4))
    check("step-decay", None)  # nor is a stub an attempt
    assert not reference_shown(solution("step-decay"))
    check("step-decay", wrong(5))
    assert reference_shown(solution("step-decay"))
    assert "solution seen after 3 different attempts" in repr(progress())


def test_giving_up_shows_it_and_is_recorded():
    assert reference_shown(solution("step-decay", give_up=True))
    assert "solution seen after 0 different attempts" in repr(progress())
    check("step-decay", right)
    assert "solution seen" in repr(summary("step-decay"))


def test_whoever_solved_it_may_compare():
    check("step-decay", right)
    assert reference_shown(solution("step-decay"))
    assert "solution seen" not in repr(progress())


def test_summary_of_a_complete_notebook_names_the_file():
    check("step-decay", right)
    shown = repr(summary("step-decay"))
    assert "hand in 04_exercise_decay.ipynb" in shown
    assert "6 of 6" in shown
    assert "04_exercise_decay.ipynb" in summary("step-decay")._repr_html_()


@pytest.mark.parametrize(
    ("answer", "said"),
    [(wrong(7), "step-decay is wrong"), (None, "step-decay is not attempted")],
)
def test_summary_is_incomplete_while_something_is_wrong(answer, said, capsys):
    check("step-decay", answer)
    with pytest.raises(Incomplete, match=said) as error:
        summary("step-decay")
    assert error.value._render_traceback_() == [f"Incomplete: {said}."]
    assert "0 of 6" in capsys.readouterr().out


def test_summary_counts_what_was_never_checked():
    check("step-decay", right)
    with pytest.raises(Incomplete, match="gradient-descent is not checked"):
        summary("step-decay", "gradient-descent")


def test_summary_of_nothing_is_incomplete():
    with pytest.raises(Incomplete, match="nothing has been checked"):
        summary()


def test_summary_without_ids_takes_the_notebooks_of_what_was_checked():
    check("step-decay", right)
    with pytest.raises(Incomplete, match="gamma-for is not checked, polynomial-decay is not") as e:
        summary()
    assert "gradient-descent" not in str(e.value)


def test_summary_goes_by_the_last_check():
    check("step-decay", right)
    check("step-decay", wrong(2))
    with pytest.raises(Incomplete):
        summary("step-decay")


def test_progress_shows_every_exercise_and_the_predictions():
    check("step-decay", wrong(3))
    hint("step-decay")
    predict("02-q1", "c", confidence=3)
    predict("02-q2", "a")
    shown = repr(progress())
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    for exercise in all_exercises():
        assert exercise.replace("-", " ") in shown
        assert "-" not in exercise or exercise not in shown
    assert "✗ step decay: wrong, 1 different attempt, 1 of 3 hints" in lines
    asked = sum(id.startswith("02-") for id in all_questions())
    (row,) = [line for line in lines if line.startswith("02 ")]
    assert f"2 of {asked} ○ critical lr 0 of 4" in row
    assert "pre-test: 0 of 5 answered" in lines


def notebook(path: Path, answer: str) -> None:
    cells = [
        "import numpy as np\nfrom lrlesson.feedback import check, summary",
        f"def step_decay(t, lr0, drop, every):\n    {answer}",
        'check("step-decay", step_decay)',
        'summary("step-decay")',
    ]
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nb, path)


def test_plain_nbval_fails_a_wrong_answer_and_passes_a_right_one(tmp_path):
    notebook(tmp_path / "right.ipynb", "return lr0 * drop ** (np.asarray(t) // every)")
    notebook(tmp_path / "wrong.ipynb", "return lr0 * drop ** (np.asarray(t) / every)")
    notebook(tmp_path / "stub.ipynb", "raise NotImplementedError")
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "-q", "-rA", "-p", "no:cacheprovider"]
    run = subprocess.run(
        [*command, "right.ipynb", "wrong.ipynb", "stub.ipynb"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    failed = [line for line in run.stdout.splitlines() if line.startswith("FAILED")]
    assert len(failed) == 2, run.stdout
    assert any("wrong.ipynb::Cell 3" in line for line in failed)
    assert any("stub.ipynb::Cell 3" in line for line in failed)
    assert "Incomplete: step-decay is wrong." in run.stdout
    assert run.stdout.count("PASSED") == 10


def test_where_am_i_says_what_is_open_and_leads_on():
    shown = where_am_i("03").card()
    assert shown.body[0] == "0 of 7 predictions made."
    assert "03-q1" in shown.body[1]
    assert "lr for floor" in shown.body[1]
    assert shown.body[2].to == "../exercises/03_exercise_noise.ipynb"
    for id in ["03-q1", "03-q2", "03-q3", "03-q4", "03-q5", "03-q6", "03-q7"]:
        predict(id, "a")
    assert where_am_i("03").card().body[:2] == [
        "7 of 7 predictions made.",
        "Still open: lr for floor.",
    ]
    assert "00-q1" in repr(where_am_i())  # the first that has something open
    with pytest.raises(ValueError, match="no lesson '99'"):
        where_am_i("99")
