"""Law: a course's files are beside its exercises, and in the sandbox nothing can change them."""

import nbformat
import pytest

from lrlesson.grading import GradeError, ReleaseError, grade, release
from lrlesson.grading.marking.run import SANDBOX, UNSAFE, Job, run


def job(isolation, *sources):
    cells = [
        nbformat.v4.new_code_cell(source, metadata={"lrlesson": {"id": str(i)}})
        for i, source in enumerate(sources)
    ]
    files = (("data.csv", b"x\n1\n"), ("more/deep.txt", b"deep"))
    notebook = nbformat.writes(nbformat.v4.new_notebook(cells=cells))
    return run(Job(notebook, isolation=isolation, files=files))


READ = "print(open('data.csv').read(), open('more/deep.txt').read())"
ACTS = [
    "open('data.csv', 'w')",
    "os.chmod('data.csv', 0o666) or open('data.csv', 'a')",
    "os.unlink('data.csv')",
    "os.rename('data.csv', 'other.csv')",
    "os.symlink('/tmp', 'x') or os.replace('x', 'data.csv')",
    "os.rename('more', 'less')",
    "open('more/new.txt', 'w')",
    "os.unlink('more/deep.txt')",
    "open('/files/new', 'w')",
    "open('/files/data.csv', 'w')",
]


def test_a_file_is_read_by_the_name_that_course_toml_says_and_nothing_changes_it(bubblewrap):
    outcome = job(SANDBOX, "import os", *ACTS, READ)
    assert outcome.failure == ""
    for act, done in zip(ACTS, outcome.cells[1:], strict=False):
        assert done.detail.startswith(("OSError", "PermissionError")), act
    assert outcome.cells[-1].text.split() == ["x", "1", "deep"]


def test_without_a_sandbox_it_is_there_too():
    assert job(UNSAFE, READ).cells[-1].text.split() == ["x", "1", "deep"]


TOML = 'files = ["data.csv"]\n[[exercise]]\nid = "double"\npoints = 2\n'
HIDDEN = """\
with open("data.csv") as file:
    start = float(file.read())
print("rate |", double(start + np.random.default_rng(seed).uniform()))"""


def test_a_file_comes_along_to_learners_and_to_the_sandbox(source, tmp_path, bubblewrap):
    folder = source(hidden=HIDDEN)
    (folder / "course.toml").write_text(TOML)
    (folder / "data.csv").write_text("3.5\n")
    release(folder, tmp_path / "exercises")
    assert (tmp_path / "exercises" / "data.csv").read_text() == "3.5\n"
    handed_in = tmp_path / "in" / "ada"
    handed_in.mkdir(parents=True)
    text = (tmp_path / "exercises" / "one.ipynb").read_text()
    stub = 'raise NotImplementedError(\\"your answer goes here\\")'
    answer = "import os; os.chdir('/'); return x + x"  # where a cell went is no check's matter
    (handed_in / "one.ipynb").write_text(text.replace(stub, answer))
    (handed_in / "data.csv").write_text("0\n")  # the learner's own copy counts for nothing
    rows = grade(tmp_path / "in", tmp_path / "out", folder, 1).rows
    assert [(row.points, row.reason) for row in rows] == [(2, "all checks passed")]
    (folder / "data.csv").write_text("4.5\n")
    assert grade(tmp_path / "in", tmp_path / "out", folder, 1).done == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('files = ["data.csv"]', "there is none in"),
        ('files = ["../data.csv"]', "expected a path below"),
        ('files = ["/etc/passwd"]', "expected a path below"),
        ('files = "data.csv"', "expected like"),
        ('[course]\nfiles = [3]', "expected like"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_had_is_one_sentence(line, said, source, tmp_path):
    folder = source()
    (folder / "course.toml").write_text(line + "\n")
    with pytest.raises(ReleaseError, match=said):
        release(folder, tmp_path / "exercises")
    (tmp_path / "in" / "ada").mkdir(parents=True)
    with pytest.raises(GradeError, match=said):
        grade(tmp_path / "in", tmp_path / "out", folder, 1)
