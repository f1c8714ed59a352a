"""Make .venv from a lock file, or find that it is already there.

    python tools/setup_env.py [--asked] [--course]

`--asked` says that this Python was chosen by the user (PYTHON=...), so no other is looked for.
`--course` is content with what the lessons need, and leaves what is there besides.
Uses nothing but the standard library, in syntax that a Python that is too old still reads, so that
it can say so.
"""

from __future__ import print_function

import glob
import hashlib
import os
import shutil
import subprocess
import sys

OLDEST = (3, 11)
NEWEST = 16  # minor versions are looked for from here down
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(
    VENV, *(["Scripts", "python.exe"] if os.name == "nt" else ["bin", "python"])
)
STAMP = os.path.join(VENV, "lrlesson-setup")
LOCKS = {"all": "requirements.lock", "course": "requirements-course.lock"}
INPUTS = [os.path.join(ROOT, "pyproject.toml")]
for files in ("labconfig/*.json", "labconfig/extension/*", "grading/sandbox/kernelspec/*.json"):
    INPUTS += sorted(glob.glob(os.path.join(ROOT, "lrlesson", files)))  # go into .venv/share
# Settings of an outer environment that would send the packages somewhere else than into .venv.
STRAY = ["VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__"]
STRAY += ["PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_PYTHON", "UV_TARGET", "UV_PREFIX"]


def say(text):
    """One line of progress."""
    print("lrlesson: " + text)
    sys.stdout.flush()


def stop(sentence):
    """End with a sentence and exit code 1."""
    sys.exit("lrlesson: " + sentence)


def environment():
    """The environment for the commands run here."""
    return dict((key, value) for key, value in os.environ.items() if key not in STRAY)


def output(*command):
    """What a command prints, or None where it cannot be run or fails."""
    try:
        with open(os.devnull, "w") as nothing:
            text = subprocess.check_output(command, stderr=nothing, env=environment())
        return text.decode("utf-8", "replace").strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def run(*command):
    """Run a command with its output on the terminal; where it fails, stop."""
    if subprocess.call(command, env=environment(), cwd=ROOT) != 0:
        if os.path.exists(STAMP):
            os.remove(STAMP)  # it failed in order: what is there can be built upon
        stop(
            "this command failed, see above: {0}\n"
            "Running make again takes the set-up from here.".format(" ".join(command))
        )


def version(python):
    """(major, minor) of an interpreter, or None where it does not run."""
    text = output(python, "-c", "import sys; print('%d %d' % sys.version_info[:2])")
    return tuple(int(part) for part in text.split()) if text else None


def find_uv():
    """The name of a uv that runs, or None."""
    return "uv" if output("uv", "--version") else None


def newer_python():
    """A Python on PATH, or known to uv, that is new enough; None where there is none."""
    for minor in range(NEWEST, OLDEST[1] - 1, -1):
        name = "python3.{0}".format(minor)
        if (version(name) or (0,)) >= OLDEST:
            return name
    if find_uv():
        return output("uv", "python", "find", "--no-project", ">={0}.{1}".format(*OLDEST))
    return None


def read(path):
    """The bytes of a file; empty where there is none."""
    if not os.path.isfile(path):
        return b""
    with open(path, "rb") as file:
        return file.read()


def base_python():
    """The interpreter behind this one, if this one belongs to a virtual environment."""
    return getattr(sys, "_base_executable", None) or sys.executable


def place():
    """What an existing .venv depends on besides the packages: where it is, and its Python."""
    return hashlib.sha256(ROOT.encode("utf-8") + read(os.path.join(VENV, "pyvenv.cfg"))).hexdigest()


def chosen():
    """Which packages: "all" of them, or those of the "course" where no more were there before."""
    before = read(STAMP).decode("ascii", "replace").split("\n")[2:3]
    return "course" if "--course" in sys.argv[1:] and before != ["all"] else "all"


def wanted(which):
    """The content of the stamp when these packages are installed."""
    inputs = b"".join(read(path) for path in INPUTS + [os.path.join(ROOT, LOCKS[which])])
    lines = (place(), hashlib.sha256(inputs).hexdigest(), which)
    return "\n".join(lines + ("",)).encode("ascii")


def reason_to_rebuild(asked):
    """Why the existing .venv cannot be kept; None where it can."""
    stamp = read(STAMP)
    if stamp == b"unfinished\n":
        return "the last set-up was interrupted"
    if stamp and stamp.split(b"\n")[0] != place().encode("ascii"):
        return "it was made in another folder or with another Python"
    has = version(VENV_PYTHON)
    if has is None:
        return "its Python does not run"
    if has < OLDEST or (asked and has != sys.version_info[:2]):
        return "it holds Python {0}.{1}".format(*has)
    return None


def create(uv):
    """An empty .venv, with pip still to come."""
    say("creating .venv with Python {0}.{1}.{2}".format(*sys.version_info[:3]))
    if uv:
        run(uv, "venv", "--quiet", "--no-project", "--python", sys.executable, VENV)
    else:
        run(sys.executable, "-m", "venv", "--without-pip", VENV)


def require_pip():
    """Python's own tools, where there is no uv. Debian and Ubuntu ship them as a package apart."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        stop(
            "this Python lacks venv and ensurepip: install the package python{0}.{1}-venv "
            "(or python3-venv; on Debian and Ubuntu: sudo apt install python3-venv), or uv, "
            "and run make again.".format(*sys.version_info[:2])
        )


def install(uv, lock):
    """The locked packages, then the project."""
    say(
        "installing the packages of {0} with {1} (the first time takes a few minutes)".format(
            lock, "uv" if uv else "pip"
        )
    )
    if uv:
        pip = [uv, "pip", "install", "--python", VENV_PYTHON]
    else:
        if not output(VENV_PYTHON, "-m", "pip", "--version"):
            run(VENV_PYTHON, "-m", "ensurepip", "--default-pip")
        pip = [VENV_PYTHON, "-m", "pip", "install", "--disable-pip-version-check"]
    run(*(pip + ["--require-hashes", "-r", lock]))
    say("installing lrlesson itself, so that your changes in this folder count at once")
    run(*(pip + ["--no-deps", "--no-build-isolation", "-e", "."]))


def with_other_python(asked):
    """Hand over to a Python that can do it; the exit code, or None where this one can."""
    if sys.version_info < OLDEST:
        python = None if asked else newer_python()
        if not python:
            stop(
                "Python {0}.{1} or newer is needed, and {2} is {3}.{4}: "
                "install one, or name one with PYTHON=/path/to/python.".format(
                    *(OLDEST + (sys.executable,) + tuple(sys.version_info[:2]))
                )
            )
    elif os.path.realpath(sys.prefix) == os.path.realpath(VENV):
        python = base_python()  # .venv may have to go, and this is its own interpreter
    else:
        return None
    return subprocess.call([python, os.path.abspath(__file__)] + sys.argv[1:], env=environment())


def main():
    """The exit code; 0 says that .venv is complete."""
    asked, which = "--asked" in sys.argv[1:], chosen()
    if not asked and os.path.exists(VENV_PYTHON) and read(STAMP) == wanted(which):
        return 0
    code = with_other_python(asked)
    if code is not None:
        return code

    uv = find_uv()
    if not uv:
        require_pip()
    if os.path.lexists(VENV):
        reason = reason_to_rebuild(asked)
        if reason is None and read(STAMP) == wanted(which):
            return 0
        if reason:
            say("removing .venv: " + reason)
            shutil.rmtree(VENV)
    if not os.path.lexists(VENV):
        create(uv)
    with open(STAMP, "wb") as file:
        file.write(b"unfinished\n")
    install(uv, LOCKS[which])
    with open(STAMP, "wb") as file:
        file.write(wanted(which))
    say("ready")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        stop("interrupted; running make again starts the set-up afresh.")
