"""The doctor says yes where all is well, and one remedy for each thing that is not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lrlesson import doctor
from lrlesson.grading.sandbox import bubblewrap as sandbox
from lrlesson.starting import RECORD, start


@pytest.fixture(autouse=True)
def _own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("LRLESSON_PROGRESS", str(tmp_path / "progress" / "progress.json"))


@pytest.fixture(autouse=True)
def jupyter(tmp_path, monkeypatch):
    """The folder of Jupyter's files, apart from the user's."""
    for name in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(tmp_path / "jupyter" / name.lower()))
    monkeypatch.setenv("JUPYTERLAB_SETTINGS_DIR", str(tmp_path / "jupyter" / "settings"))
    return tmp_path / "jupyter"


def write(path, content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def test_everything_works_here():
    report = doctor.self_test()
    assert report.fine, repr(report)
    assert repr(report).startswith("Everything works.")
    assert "✗" not in report._repr_html_()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("numpy>=999.1", "numpy is 999.1 or newer (it is "),
        ("a-package-that-is-nowhere>=1", "a-package-that-is-nowhere is installed"),
    ],
)
def test_a_package_that_does_not_fit_is_named_with_a_remedy(monkeypatch, line, said):
    monkeypatch.setattr(doctor, "requires", lambda name: [line])
    report = doctor.self_test()
    assert not report.fine
    assert said in repr(report)
    assert "make lab" in repr(report)
    assert said in report._repr_html_()


def test_in_a_browser_only_what_a_browser_needs_is_asked_for(monkeypatch):
    monkeypatch.setattr(doctor, "IN_A_BROWSER", True)
    assert set(doctor.SERVER) < {name for name, _ in doctor._required("course")}
    absent = [f"{name}>=999" for name in doctor.SERVER]
    monkeypatch.setattr(doctor, "requires", lambda name: [*absent, "scipy>=999"])
    assert doctor.self_test().fine  # Pyodide chooses the versions
    monkeypatch.setattr(doctor, "requires", lambda name: ["a-package-that-is-nowhere>=1"])
    assert "make lite" in repr(doctor.self_test())


def test_what_is_too_broken_to_look_at_is_one_more_finding(monkeypatch, tmp_path):
    """A doctor who faints at the sight of the patient is no help."""
    for name in ("lrlesson.data", "jupyter_client.manager", "jupyterlab_server.config"):
        monkeypatch.setitem(sys.modules, name, None)  # an import of it fails
    report = doctor.examine(tmp_path)
    assert not report.fine
    lines = repr(report).splitlines()
    for part in ("how a small network learns", "the kernel `python3`", "what draws the scenes"):
        (line,) = [n for n, line in enumerate(lines) if line.startswith(f"  NO   {part}")]
        assert "-> run `" in lines[line + 1]
        assert "ModuleNotFoundError" in lines[line + 1]


def test_a_widget_manager_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr("jupyterlab_server.config.get_federated_extensions", lambda places: {})
    assert [finding.fine for finding in doctor._widgets()] == [False] * 3
    monkeypatch.setattr("jupyterlab.commands.get_app_dir", lambda: "/nowhere/lab")
    (finding,) = doctor._look("the setting", doctor._settings)
    assert finding.question == "the setting can be looked at"
    assert not finding.fine


def test_a_place_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LRLESSON_PROGRESS", str(tmp_path / "file" / "progress.json"))
    finding = doctor._storage()
    assert not finding.fine
    assert "may write into" in finding.remedy


def test_it_leaves_no_trace_where_nothing_is_stored_yet(tmp_path, monkeypatch):
    """A folder of ours would be in the way of `lrlesson start .`."""
    (tmp_path / "new").mkdir()
    monkeypatch.setenv("LRLESSON_PROGRESS", str(tmp_path / "new" / ".lrlesson" / "progress.json"))
    assert doctor._storage().fine
    assert not list((tmp_path / "new").iterdir())


@pytest.mark.slow
def test_the_command_says_what_it_found_and_ends_with_0(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    start(tmp_path / "course")
    done = subprocess.run(
        [sys.executable, "-m", "lrlesson.cli", "doctor", tmp_path / "course"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    verdict, *lines = done.stdout.splitlines()
    assert verdict == "Everything works."
    marks = [line.split()[0] for line in lines if "->" not in line]
    assert len(marks) >= 12
    assert set(marks) <= ({"yes", "note"} if sandbox.problem() else {"yes"})
    assert max(len(line) for line in lines if "->" not in line) <= 80  # a terminal's width
    assert "WARNING" not in done.stderr


def test_the_command_ends_with_1_where_something_needed_is_wrong(tmp_path, jupyter):
    write(
        jupyter / "config" / "labconfig" / "page_config.json",
        {"disabledExtensions": {"anywidget": True}},
    )
    done = subprocess.run(
        [sys.executable, "-m", "lrlesson.cli", "doctor"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stdout.startswith("Something is missing: the line below each NO says what to do.")
    assert "  NO   JupyterLab may use anywidget" in done.stdout
    assert "-> run `jupyter labextension enable anywidget`" in done.stdout
    # Outside a working copy there is a note, which alone would not count.
    assert "  note the course is in" in done.stdout
    assert "`lrlesson start my-course`" in done.stdout


def test_a_copy_of_another_version_is_noted(tmp_path):
    start(tmp_path / "course")
    assert doctor._course(tmp_path / "course").fine
    record = json.loads((tmp_path / "course" / RECORD).read_text())
    (tmp_path / "course" / RECORD).write_text(json.dumps(record | {"version": "0.0.1"}))
    finding = doctor._course(tmp_path / "course")
    assert finding.mark == "note"
    assert f"lrlesson start {tmp_path / 'course'}" in finding.remedy


@pytest.fixture
def kernelspec(jupyter, monkeypatch):
    """Put a kernelspec before that of the environment, as a user's own can be."""
    monkeypatch.chdir(jupyter.parent)  # a kernel may import what lies in its folder
    monkeypatch.setenv("JUPYTER_PATH", str(jupyter / "first"))

    def install(python, **environment: str) -> None:
        argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = {"argv": argv, "display_name": "mine", "language": "python", "env": environment}
        write(jupyter / "first" / "kernels" / "python3" / "kernel.json", spec)

    return install


def test_a_kernel_of_another_python_is_noticed(kernelspec, tmp_path):
    kernelspec(sys.executable, PYTHONPATH=str(tmp_path / "other"))
    (tmp_path / "other" / "lrlesson").mkdir(parents=True)
    (tmp_path / "other" / "lrlesson" / "__init__.py").write_text("")
    finding = doctor._kernel()
    assert not finding.fine
    assert f"it finds {tmp_path / 'other' / 'lrlesson'}" in finding.remedy
    assert "-m ipykernel install --sys-prefix" in finding.remedy


def test_a_kernel_that_cannot_start_is_noticed(kernelspec, tmp_path):
    kernelspec(tmp_path / "no-python-here")
    finding = doctor._kernel()
    assert not finding.fine
    assert "it did not start" in finding.remedy


def test_a_user_who_chose_not_to_save_scenes_is_told(jupyter):
    assert doctor._settings().fine
    place = jupyter / "settings" / "@jupyter-widgets" / "jupyterlab-manager"
    write(place / "plugin.jupyterlab-settings", {"saveState": False})
    finding = doctor._settings()
    assert not finding.fine
    assert "Save Widget State Automatically" in finding.remedy


def test_a_saving_rule_that_was_switched_off_is_named(jupyter, monkeypatch):
    assert doctor._saving().fine
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(jupyter / "first"))
    off = {"ServerApp": {"jpserver_extensions": {"lrlesson.labconfig": False}}}
    write(jupyter / "first" / "jupyter_server_config.json", off)
    finding = doctor._saving()
    assert not finding.fine
    assert finding.remedy == "run `jupyter server extension enable lrlesson.labconfig`"


def test_signatures_that_are_not_kept_are_noticed(jupyter, tmp_path, monkeypatch):
    assert doctor._trust().fine
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "file" / "data"))
    finding = doctor._trust()
    assert not finding.fine
    assert "writable" in finding.remedy


def test_what_path_lacks_for_the_command_is_said_and_helps(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", os.environ["PATH"].replace(str(Path(sys.executable).parent), ""))
    (finding,) = doctor._command()
    assert finding.mark == "note"
    line = finding.remedy.split("`")[1]
    finds = f"{line}; command -v lrlesson"
    found = subprocess.run(["/bin/sh", "-c", finds], text=True, capture_output=True).stdout.strip()
    assert f"write {found} in full" in finding.remedy
    other = tmp_path / "lrlesson"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{Path(found).parent}")
    (finding,) = doctor._command()
    assert finding.remedy.endswith(f"it finds {other} first")
    monkeypatch.setenv("PATH", str(Path(found).parent))
    assert [one.mark for one in doctor._command()] == ["yes"]


def test_the_sandbox_is_needed_by_instructors_only(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    finding = list(doctor._grading(needed=False))[-1]
    assert finding.mark == "note"
    assert finding.remedy
    assert doctor.Report((finding,)).fine
    assert "○ note" in doctor.Report((finding,))._repr_html_()
    assert not doctor.Report(tuple(doctor._grading(needed=True))).fine


def test_a_learner_does_without_the_graders_packages(monkeypatch):
    line = 'a-package-that-is-nowhere>=1; extra == "grading"'
    monkeypatch.setattr(doctor, "requires", lambda name: [line])
    assert doctor.self_test().fine
    (finding,) = doctor._grading(needed=False)
    assert finding.mark == "note"
    assert "missing: a-package-that-is-nowhere" in finding.remedy
    monkeypatch.setattr(doctor, "_is_clone", lambda: False)
    (finding,) = doctor._grading(needed=True)
    assert finding.mark == "NO"
    assert 'install "lrlesson[grading]"' in finding.remedy
