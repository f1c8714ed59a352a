"""The forms in the real JupyterLab: operable without a mouse, and said to a screen reader."""

from collections.abc import Iterator

import nbformat
import pytest
import rig
from playwright.sync_api import Browser, Locator, expect

CELLS = {
    "peak": 'from lrlesson.feedback import predict, pretest\npredict("02-q5")',
    "mirror": 'predict("02-q1")',
    "first-test": "pretest()",
    "keys": 'from lrlesson.feedback import predict\npredict("02-q4")',
    "puzzle": 'from lrlesson.feedback import parsons\nparsons("training-loop")',
}

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[rig.Server]:
    folder = rig.copy_course(tmp_path_factory.mktemp("forms") / "course")
    nb = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source, id=id) for id, source in CELLS.items()]
    )
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nb, folder / "notebooks" / "forms.ipynb")
    with rig.lab_server(folder, folder.parent / "private") as running:
        yield running


@pytest.fixture(scope="module")
def lab(chromium: Browser, server: rig.Server) -> Iterator[rig.Lab]:
    window = rig.Lab(chromium, server, height=1600)
    window.open("notebooks/forms.ipynb")
    window.run_all()
    yield window
    window.close()
    assert window.complaints == []


def form(lab: rig.Lab, cell: str) -> Locator:
    return lab.cell(cell).locator(".lrlesson-form")


def focused(lab: rig.Lab) -> str:
    return lab.page.evaluate(
        "() => { const e = document.activeElement; return (e.labels?.[0] ?? e).textContent; }"
    )


def test_a_prediction_by_keyboard_alone(lab: rig.Lab):
    peak, keyboard = form(lab, "peak"), lab.page.keyboard
    options = peak.get_by_role("group", name="Which sets the largest stable rate?")
    expect(peak.get_by_role("group", name="How sure are you?")).to_have_count(0)  # not used
    expect(options.get_by_role("radio")).to_have_count(4)
    expect(peak.locator("[aria-live=polite]")).to_be_empty()

    options.get_by_role("radio").first.focus()
    keyboard.press("ArrowDown")
    keyboard.press("ArrowDown")
    assert focused(lab) == "The flatter one: the limit is 2/1"
    keyboard.press("Tab")
    assert focused(lab) == "Record my answer"
    keyboard.press("Enter")

    expect(options.get_by_role("radio", name="The flatter one")).to_be_checked()
    reply = peak.locator("[aria-live=polite]")
    expect(reply).to_contain_text("Recorded")
    expect(reply).not_to_contain_text("1.001")
    assert focused(lab) == "Record my answer"
    later = peak.get_by_role("button", name="I have run it: what happened?")
    expect(later).to_be_visible()
    keyboard.press("Tab")
    assert focused(lab) == "I have run it: what happened?"
    keyboard.press("Enter")
    expect(reply).to_contain_text("Not so")
    expect(reply).to_contain_text("at 1.001 of 2/20 the run diverges", ignore_case=True)
    expect(later).to_be_hidden()
    expect(reply).to_be_focused()
    # The question below is another one: nothing of it was chosen.
    expect(form(lab, "mirror").locator("input:checked")).to_have_count(0)

    lab.run("peak")  # a re-run shows what was recorded
    expect(form(lab, "peak").get_by_role("radio", name="The flatter one")).to_be_checked()
    expect(form(lab, "peak").locator("[aria-live=polite]")).to_contain_text("Not so")
    expect(form(lab, "peak")).to_have_count(1)


def test_the_first_test_goes_on_by_keyboard(lab: rig.Lab):
    test, keyboard = form(lab, "first-test"), lab.page.keyboard
    expect(test).to_contain_text("Question 1 of 5")
    test.get_by_role("button", name="Next").press("Enter")
    expect(test.locator("[aria-live=polite]")).to_contain_text("Choose an answer first.")
    assert focused(lab).startswith("A, since") or focused(lab).startswith("B, since")
    for number in range(2, 4):
        keyboard.press("Space")
        test.get_by_role("button", name="Next").press("Enter")
        expect(test).to_contain_text(f"Question {number} of 5")
        assert focused(lab) == test.get_by_role("radio").first.evaluate(
            "e => e.labels[0].textContent"
        )
    test.get_by_role("button", name="Skip", exact=True).click()
    expect(test).to_contain_text("Question 4 of 5")
    test.get_by_role("button", name="Skip the test").click()
    expect(test).to_contain_text("The first test is done")


def test_a_puzzle_by_keyboard_alone(lab: rig.Lab):
    puzzle = form(lab, "puzzle")
    left = puzzle.get_by_role("group", name="Lines to choose from")
    program = puzzle.get_by_role("group", name="Your program")
    check = puzzle.get_by_role("button", name="Check the order")
    reply = puzzle.locator(".lrlesson-reply")
    expect(left.get_by_role("button")).to_have_count(9)

    def use(line: str) -> None:
        left.get_by_role("button", name=f"Use: {line}", exact=True).first.press("Enter")

    use("w = w - lr * gradient(w, batch)")
    use("t = 0")
    expect(puzzle.locator(".lrlesson-said")).to_have_text("Line 2: t = 0")
    check.press("Enter")
    expect(reply).to_contain_text("Place 1")
    expect(reply).to_contain_text("another line has to come before it")

    program.get_by_role("button", name="Move up: t = 0").press("Enter")
    expect(puzzle.locator(".lrlesson-said")).to_have_text("t = 0 is now line 1 of 2")
    assert lab.page.evaluate("() => document.activeElement.ariaLabel") == "Move down: t = 0"
    program.get_by_role("button", name="Take out: w = w").press("Enter")
    expect(program.get_by_role("listitem")).to_have_count(1)
    for line in [
        "for epoch in range(epochs):",
        "for batch in batches(epoch):",
        "lr = eta(t)",
        "w = w - lr * gradient(w, batch)",
        "t = t + 1",
        "return w",
    ]:
        use(line)
    check.press("Enter")
    expect(reply).to_contain_text("Correct: training-loop")

    lab.run("puzzle")  # a re-run shows the order that was checked
    expect(form(lab, "puzzle").get_by_role("listitem")).to_have_count(7)
    expect(form(lab, "puzzle").locator(".lrlesson-reply")).to_contain_text("Correct")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_the_text_stands_out_in_both_themes_and_fits_a_narrow_page(lab: rig.Lab, theme: str):
    lab.page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme
    )
    lab.page.set_viewport_size({"width": 700, "height": 1600})
    lab.page.wait_for_timeout(500)
    seen = form(lab, "peak").evaluate(
        """form => {
            const luminance = colour => {
                const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(c => c / 255)
                    .map(c => c <= 0.04 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const page = getComputedStyle(form.closest('.jp-NotebookPanel')).backgroundColor;
            const text = getComputedStyle(form).color;
            const [a, b] = [luminance(page), luminance(text)].sort((x, y) => x - y);
            const overflow = form.scrollWidth - form.clientWidth;
            return {contrast: (b + 0.05) / (a + 0.05), overflow};
        }"""
    )
    assert seen["contrast"] > 4.5
    assert seen["overflow"] <= 0


def test_without_a_kernel_the_form_says_so(lab: rig.Lab):
    mirror = form(lab, "mirror")
    lab.stop_kernel()
    mirror.get_by_role("radio", name="The one at 5 %").check()
    mirror.get_by_role("button", name="Record").click()
    expect(mirror.get_by_text("Asleep")).to_be_visible(timeout=10_000)


@pytest.mark.parametrize(
    ("cell", "control"), [("keys", "radio"), ("keys", "button"), ("puzzle", "button")]
)
@pytest.mark.parametrize("keys", ["Shift+Enter", "Control+Enter"])
def test_a_cell_runs_from_inside_its_form(lab: rig.Lab, cell, control, keys):
    """As from any other output: the run keys that the course teaches never die."""
    prompt = lab.cell(cell).locator(".jp-InputPrompt").first
    before = prompt.inner_text()
    form(lab, cell).get_by_role(control).first.focus()
    form(lab, cell).get_by_role(control).first.press(keys)
    expect(prompt).not_to_have_text(before)
    expect(prompt).not_to_contain_text("*")
    expect(form(lab, cell)).to_be_visible()
