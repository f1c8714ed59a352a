"""Law: the JupyterLite build takes nothing but what Pyodide's own list names, byte for byte."""

import hashlib
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LITE = ROOT / "lite"
spec = importlib.util.spec_from_file_location("lite_build", LITE / "build.py")
build = importlib.util.module_from_spec(spec)
spec.loader.exec_module(build)


@pytest.fixture
def pyodide(tmp_path, monkeypatch):
    """A Pyodide of four packages, one of them not asked for, and a copy of them."""
    monkeypatch.setattr(build, "KERNEL", ["micropip"])
    monkeypatch.setattr(build, "COURSE", ["numpy"])
    monkeypatch.setattr(build, "INTERPRETER", ["pyodide.js"])
    source, copy, wheels = (tmp_path / name for name in ("npm", "copy", "wheels"))
    for folder in (source, copy, wheels):
        folder.mkdir()
    (source / "pyodide.js").write_text("// Pyodide")
    packages = {}
    for name, depends in [("micropip", []), ("numpy", ["Open_BLAS"]), ("open-blas", []), ("x", [])]:
        (copy / f"{name}-1.whl").write_bytes(name.encode())
        digest = hashlib.sha256(name.encode()).hexdigest()
        packages[name] = {"file_name": f"{name}-1.whl", "sha256": digest, "depends": depends}
    lock = {"info": {"version": "0.1"}, "packages": packages}
    (source / "pyodide-lock.json").write_text(json.dumps(lock))
    (wheels / "our_course-2-py3-none-any.whl").write_bytes(b"ours")
    return lambda: build.write_pyodide(source, copy, wheels, tmp_path / "out")


def test_what_is_asked_for_comes_with_what_it_needs_and_ours(pyodide, tmp_path):
    assert pyodide() == ["micropip", "numpy", "open-blas", "our-course"]
    lock = json.loads((tmp_path / "out" / "pyodide-lock.json").read_text())
    for entry in lock["packages"].values():
        file = tmp_path / "out" / entry["file_name"]
        assert hashlib.sha256(file.read_bytes()).hexdigest() == entry["sha256"]
    assert not (tmp_path / "out" / "x-1.whl").exists()


def test_a_file_that_was_changed_is_refused_by_name(pyodide, tmp_path):
    (tmp_path / "copy" / "open-blas-1.whl").write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"open-blas-1\.whl is not the open-blas of Pyodide 0\.1"):
        pyodide()


def test_a_file_that_is_missing_is_named(pyodide, tmp_path):
    (tmp_path / "copy" / "numpy-1.whl").unlink()
    with pytest.raises(ValueError, match=r"numpy-1\.whl is missing; Pyodide 0\.1 has it"):
        pyodide()


@pytest.mark.parametrize("name", ["builder.txt", "browser.txt", "mirror.txt"])
def test_the_locks_have_hashes_and_no_addresses(name):
    text = (LITE / name).read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    entries = re.split(r"\n(?=\S)", "\n".join(lines).strip())
    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


def test_npm_gets_a_hash_and_no_address():
    packages = json.loads((LITE / "package-lock.json").read_text())["packages"]
    taken = [entry for name, entry in packages.items() if name]
    assert all(entry["integrity"].startswith("sha512-") for entry in taken)
    assert not any("resolved" in entry for entry in taken)


def test_the_course_in_the_browser_has_what_the_course_needs():
    """Every package of pyproject.toml: Pyodide's, a wheel of ours, or one that a browser lacks."""
    from lrlesson import doctor

    ours = re.findall(r"(?m)^([a-z0-9-]+)==", (LITE / "browser.txt").read_text())
    wanted = {name for name, _ in doctor._required("course")}
    assert wanted <= {*build.COURSE, *ours, *doctor.SERVER}


def test_the_front_page_begins_with_the_first_lesson_and_leads_to_every_notebook():
    """JupyterLite reads the settings of the whole folder from one of its elements."""
    page = build.front_page()
    found = re.findall(r'href="lab/index\.html\?path=([^"]+)"', page)
    notebooks = [f for part in ("notebooks", "exercises") for f in (ROOT / part).glob("*.ipynb")]
    assert sorted(found[1:]) == sorted(f.relative_to(ROOT).as_posix() for f in notebooks)
    assert found[0] == found[1] == "notebooks/00_start_here.ipynb"
    assert 'id="jupyter-config-data" type="application/json" data-jupyter-lite-root="."' in page


def test_a_folder_that_is_none_is_refused(tmp_path):
    done = subprocess.run(
        [sys.executable, LITE / "build.py", "--packages", tmp_path / "nowhere"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert f"--packages {tmp_path / 'nowhere'}: expected a folder" in done.stderr


def test_without_npm_it_says_what_is_missing(tmp_path):
    done = subprocess.run(
        [sys.executable, LITE / "build.py"], env={"PATH": ""}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "npm is missing" in done.stdout
