"""Forms without their Python: they say so, lose nothing, and go on when they are woken."""

import nbformat
import pytest
import rig
from playwright.sync_api import Browser, Locator, expect

from lrlesson.feedback.record import load

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELLS = {
    "import": "from lrlesson import predict, rate_dial\nfrom lrlesson.feedback import parsons",
    "first": 'predict("02-q4")',
    "second": 'predict("02-q1")',
    "puzzle": 'parsons("training-loop")',
    "dial": "rate_dial()",
}
FILE = "notebooks/forms.ipynb"


def form(lab: rig.Lab, cell: str) -> Locator:
    return lab.cell(cell).locator(".lrlesson-form")


def choose_and_record(lab: rig.Lab, cell: str, number: int) -> None:
    form(lab, cell).get_by_role("radio").nth(number).check()
    form(lab, cell).get_by_role("button", name="Record my answer").click()


def asleep(lab: rig.Lab, cell: str) -> Locator:
    return form(lab, cell).get_by_role("status")


def chosen(id: str) -> str | None:
    return load()["predictions"].get(id, {}).get("first", {}).get("choice")


def test_what_is_asleep_says_so_and_loses_nothing(chromium: Browser, tmp_path):
    folder, private = rig.copy_course(tmp_path / "course"), tmp_path / "private"
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source, id=id) for id, source in CELLS.items()]
    )
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, folder / FILE)
    port = rig.free_port()
    with rig.lab_server(folder, private, port=port) as server:
        lab = rig.Lab(chromium, server)
        lab.open(FILE)
        lab.run_all()
        choose_and_record(lab, "first", 0)
        expect(form(lab, "first").locator(".lrlesson-reply")).to_contain_text("Recorded")
        expect(asleep(lab, "first")).to_have_text("")
        lab.save()

        # The kernel ends: each form says which cell wakes it, and keeps what is chosen.
        lab.stop_kernel()
        for cell in ("first", "second", "puzzle"):
            expect(asleep(lab, cell)).to_contain_text("Asleep: run the import cell")
        choose_and_record(lab, "second", 2)
        form(lab, "puzzle").get_by_role("button", name="Use: t = 0").click()
        alarm = "e => getComputedStyle(e, '::before').display"
        for broken in lab.page.locator(".jupyter-widgets-disconnected").all():
            assert broken.evaluate(alarm) == "none"

        # The tab is closed; a new one has a kernel in which nothing was run.
        lab.page.close()
        lab.page = lab.context.new_page()
        lab.open(FILE)
        expect(asleep(lab, "second")).to_contain_text("Asleep")
        expect(form(lab, "second").get_by_role("radio").nth(2)).to_be_checked()
        expect(form(lab, "puzzle").get_by_role("listitem")).to_have_count(1)
        assert chosen("02-q1") is None

        lab.run("import")  # it alone wakes them all
        expect(form(lab, "second").locator(".lrlesson-reply")).to_contain_text("Recorded")
        for cell in ("first", "second", "puzzle"):
            expect(asleep(lab, cell)).to_have_text("")
        assert chosen("02-q1") == "c"
        form(lab, "second").get_by_role("button", name="I have run it").click()
        expect(form(lab, "second").locator(".lrlesson-reply")).not_to_contain_text("Recorded")
        form(lab, "puzzle").get_by_role("button", name="Check the order").click()
        expect(form(lab, "puzzle").locator(".lrlesson-reply")).to_contain_text("Not yet")
        lab.close()
