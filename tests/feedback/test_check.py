"""check survives whatever an answer does, quickly, and answers one of three things."""

import gc
import signal
import threading
import time

import numpy as np
import pytest

from lrlesson.feedback import check
from lrlesson.feedback.check.checking import find
from lrlesson.feedback.check.running import TimeUp
from lrlesson.feedback.exercises.exercise import Exercise, Property, Wrong, calling

HAS_TIMER = hasattr(signal, "setitimer")


def right(t, lr0, drop, every):
    return lr0 * drop ** (np.asarray(t) // every)


def stub_raises(t, lr0, drop, every):
    """The rate of update t."""
    raise NotImplementedError


def stub_dots(t, lr0, drop, every): ...


def stub_docstring(t, lr0, drop, every):
    """The rate of update t."""


def stub_pass(t, lr0, drop, every):
    pass


def stub_none(t, lr0, drop, every):
    return None


class StubClass:
    def __init__(self, *arguments):
        raise NotImplementedError


@pytest.mark.parametrize(
    "answer",
    [stub_raises, stub_dots, stub_docstring, stub_pass, stub_none, None, ..., StubClass],
    ids=lambda a: getattr(a, "__name__", str(a)),
)
def test_a_stub_is_not_attempted(answer):
    result = check("step-decay", answer)
    assert result.status == "not attempted"
    assert result.failed == []
    assert result.misconception is None


def test_correct():
    result = check("step-decay", right)
    assert (result.status, result.failed, result.misconception) == ("correct", [], None)


def test_half_written_is_wrong():
    def answer(t, lr0, drop, every):
        if np.ndim(t):
            raise NotImplementedError
        return right(t, lr0, drop, every)

    result = check("step-decay", answer)
    assert result.status == "wrong"
    assert result.failed[0] == "array-of-steps"


def test_wrong_names_the_law_the_smallest_case_and_what_came():
    def answer(t, lr0, drop, every):
        return lr0 * drop ** ((np.asarray(t) + 1) // every)

    result = check("step-decay", answer)
    assert result.misconception == "drops-one-step-early"
    assert result.failed[0] == "flat-before-the-drop"
    for shown in (repr(result), result._repr_html_()):
        assert "Before the first drop the rate does not change." in shown
        assert "step_decay(9, 0.1, 0.5, 10)" in shown
        assert "gave 0.05" in shown
        assert "A known mistake. You drop one step early" in shown
        assert "drops-one-step-early" not in shown
        assert "flat-between-drops" not in shown


def raises(*_):
    raise ValueError("so be it")


def raises_with_nasty_text(*_):
    raise RuntimeError("<script>alert(1)</script>")


class NoText(Exception):
    def __str__(self):
        raise RuntimeError("no")


def raises_without_text(*_):
    raise NoText


def leaves(*_):
    raise SystemExit(3)


def recurses(t, *rest):
    return recurses(t, *rest)


def returns_text(*_):
    return "0.1"


def returns_generator(*_):
    return (k for k in range(3))


def returns_ragged(*_):
    return [[1, 2], [3]]


def returns_function(*_):
    return right


def returns_complex(*_):
    return 1j


def takes_too_few(t):
    return t


class Strange:
    def __repr__(self):
        raise RuntimeError("no")

    def __array__(self, *_, **__):
        raise RuntimeError("no")


def returns_strange(*_):
    return Strange()


def prints_a_lot(t, lr0, drop, every):
    for _ in range(2000):
        print("x" * 100)
    return lr0


def warns(t, lr0, drop, every):
    return np.array(lr0) / (np.asarray(t) * 0)


def generator_function(t, lr0, drop, every):
    yield lr0


@pytest.mark.parametrize(
    "answer",
    [
        raises,
        raises_with_nasty_text,
        raises_without_text,
        leaves,
        recurses,
        returns_text,
        returns_generator,
        returns_ragged,
        returns_function,
        returns_complex,
        takes_too_few,
        returns_strange,
        prints_a_lot,
        warns,
        generator_function,
        3,
        "step_decay",
        [right],
    ],
    ids=lambda a: getattr(a, "__name__", type(a).__name__),
)
def test_survives(answer, capsys):
    begin = time.thread_time()
    result = check("step-decay", answer)
    assert time.thread_time() - begin < 1
    assert result.status == "wrong"
    assert result.failed
    assert "<script" not in result._repr_html_()
    assert repr(result)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "")


def loops(*_):
    while True:
        pass


def sleeps(*_):
    time.sleep(60)


def catches_exceptions(*_):
    while True:
        try:  # noqa: SIM105
            sum(range(1000))
        except Exception:
            pass


def catches_everything(*_):
    while True:
        try:  # noqa: SIM105
            sum(range(1000))
        except:  # noqa: E722
            pass


def catches_everything_twice(*_):
    while True:
        try:
            try:  # noqa: SIM105
                sum(range(1000))
            except:  # noqa: E722
                pass
        except:  # noqa: E722
            pass


def grows(t, lr0, drop, every):
    if np.ndim(t):
        loops()
    return right(t, lr0, drop, every)


@pytest.mark.skipif(not HAS_TIMER, reason="there is no interval timer on Windows")
@pytest.mark.parametrize(
    "answer",
    [loops, sleeps, catches_exceptions, catches_everything, catches_everything_twice, grows],
)
def test_an_endless_answer_is_stopped(answer):
    check("step-decay", right)
    handler = signal.getsignal(signal.SIGALRM)
    begin = time.thread_time()
    result = check("step-decay", answer)
    computed = time.thread_time() - begin
    assert computed < (4 if answer is catches_everything_twice else 2)  # it is tried twice
    assert result.status == "wrong"
    assert "was stopped" in repr(result)
    assert len(result.failed) == 1
    assert signal.getsignal(signal.SIGALRM) is handler
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_a_right_answer_on_a_busy_machine_is_right():
    """It waits for its turn most of the time, for longer in all than an answer may compute."""
    calls = 0

    def starved(*arguments):
        nonlocal calls
        calls += 1
        if calls <= 10:
            end = time.thread_time() + 0.01
            while time.thread_time() < end:
                pass
            time.sleep(0.08)
        return right(*arguments)

    began = time.perf_counter()
    assert check("step-decay", starved).status == "correct"
    assert time.perf_counter() - began > find("step-decay").seconds


def test_a_right_answer_in_a_notebook_full_of_rubbish_is_right():
    """Collecting it takes longer than an answer may, and would swallow what stops one."""
    collected = 0

    def collecting(phase, _info):
        nonlocal collected
        collected += 1
        end = time.thread_time() + 0.2
        while phase == "start" and time.thread_time() < end:
            pass

    def littering(*arguments):
        for _ in range(2000):
            circle = []
            circle.append(circle)
        return right(*arguments)

    gc.callbacks.append(collecting)
    try:
        assert check("step-decay", littering).status == "correct"
        assert gc.isenabled()
        gc.collect()
    finally:
        gc.callbacks.remove(collecting)
    assert collected


def test_a_right_answer_that_imports_something_slow_is_right(tmp_path, monkeypatch):
    """The module takes longer to import than an answer may take, computing and waiting."""
    source = "import time\nend = time.thread_time() + 0.5\nwhile time.thread_time() < end: pass\n"
    (tmp_path / "slow_one.py").write_text(source + "time.sleep(1)\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))

    def answer(*arguments):
        import slow_one  # noqa: F401

        return right(*arguments)

    assert check("step-decay", answer).status == "correct"


@pytest.mark.skipif(not HAS_TIMER, reason="there is no interval timer on Windows")
def test_a_right_answer_whose_first_call_is_slow_is_tried_once_more():
    calls = []

    def answer(*arguments):
        calls.append(1)
        if len(calls) == 1:
            time.sleep(30)
        return right(*arguments)

    assert check("step-decay", answer).status == "correct"
    calls.clear()


@pytest.mark.skipif(not HAS_TIMER, reason="there is no interval timer on Windows")
def test_a_timer_that_was_running_goes_on():
    handler = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 100)
    try:
        check("step-decay", right)
        assert 90 < signal.getitimer(signal.ITIMER_REAL)[0] <= 100
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)


def test_interrupting_the_kernel_still_interrupts():
    def answer(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("step-decay", answer)


def test_works_outside_the_main_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(check("step-decay", right)))
    thread.start()
    thread.join()
    assert found[0].status == "correct"


def test_time_up_is_not_an_exception_that_answers_catch():
    assert not issubclass(TimeUp, Exception)


def test_an_answer_that_scribbles_over_its_arguments_spoils_no_later_check():
    def answer(t, lr0, drop, every):
        t = np.asarray(t)
        result = right(t.copy(), lr0, drop, every)
        if t.ndim:
            t[:] = -1
        return result

    for _ in range(2):
        result = check("step-decay", answer)
        assert result.failed == ["callers-array"]
        assert result.misconception == "changes-the-callers-array"
    assert check("step-decay", right).status == "correct"


def test_a_state_is_found_whatever_was_asked_before():
    lines = {}

    def step_decay(t, lr0, drop, every):
        rate = lines.get(lr0, lr0) * (drop if t and t % every == 0 else 1)
        lines[lr0] = rate
        return rate

    for _ in range(3):
        assert check("step-decay", step_decay).misconception == "decays-the-decayed-rate"


def test_a_forgotten_return_is_named():
    def answer(t, lr0, drop, every):
        rate = lr0 * drop ** (t // every)
        rate + 1

    assert check("step-decay", answer).misconception == "no-return"


def test_a_list_where_an_array_is_due():
    def answer(t, lr0, drop, every):
        rates = [right(k, lr0, drop, every) for k in np.atleast_1d(t)]
        return rates[0] if np.ndim(t) == 0 else rates

    result = check("step-decay", answer)
    assert result.failed == ["array-of-steps"]
    assert "not a NumPy array" in repr(result)


def test_a_wrong_shape_is_said():
    def answer(t, lr0, drop, every):
        return np.atleast_1d(right(t, lr0, drop, every))

    result = check("step-decay", answer)
    assert "of shape (1,)" in repr(result)


def test_an_exception_is_shown_with_the_line_it_came_from():
    text = repr(check("step-decay", raises))
    assert 'raised ValueError: so be it, at the line `raise ValueError("so be it")`' in text


def test_what_was_printed_is_said_to_be_hidden():
    assert "is hidden" in repr(check("step-decay", prints_a_lot))


@pytest.mark.parametrize(
    ("id", "near"),
    [
        ("step_decay", "'step-decay'"),
        ("gradient descent", "'gradient-descent'"),
        ("criticallr", "'critical-lr'"),
    ],
)
def test_an_unknown_id_names_the_nearest_and_all(id, near):
    with pytest.raises(ValueError, match="did you mean") as error:
        check(id, right)
    assert near in str(error.value)
    assert "gradient-descent" in str(error.value)
    assert "step-decay" in str(error.value)


@pytest.mark.parametrize("id", ["mad", "adapt", "range", "rate", "decay"])
def test_a_name_that_is_not_near_suggests_nothing(id):
    with pytest.raises(ValueError, match="no exercise") as error:
        check(id, right)
    assert "did you mean" not in str(error.value)


@pytest.mark.parametrize("id", ["", "qqqq", None, 3, right])
def test_any_other_id_is_refused_in_one_sentence(id):
    with pytest.raises(ValueError, match="no exercise") as error:
        check(id, right)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("answers", [(), (right, right)])
def test_the_number_of_answers_is_checked(answers):
    with pytest.raises(TypeError, match=r'expected 1: check\("step-decay", step_decay\)'):
        check("step-decay", *answers)


def test_the_card_is_said_in_words_and_needs_no_colour():
    for answer, word in [(right, "Correct"), (None, "Not attempted"), (raises, "Wrong")]:
        result = check("step-decay", answer)
        assert word in result._repr_html_()
        assert word in repr(result)
        assert 'role="group"' in result._repr_html_()


# An instructor's own exercise is validated where it is written.


def exercise(**changes):
    parts = {
        "id": "double",
        "points": 1,
        "notebook": "01_own.ipynb",
        "signature": "double(x)",
        "reference": "def double(x):\n    return 2 * x\n",
        "properties": [Property("twice", "It is twice as much.", [calling("double")(3)])],
        "bank": [],
        "hints": ["a", "b", "c"],
    }
    return Exercise(**(parts | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "Double It"}, "expected words in lower case"),
        ({"notebook": "own.ipynb"}, "expected NN_name.ipynb"),
        ({"signature": "double x"}, "expected name"),
        ({"hints": ["a"]}, "1 hints, expected 3"),
        ({"properties": []}, "at least one"),
        ({"bank": [Wrong("nobody-knows", "…", "…")]}, "not in misconceptions.py"),
        ({"bank": [Wrong("climbs", "…", "…", told_by="nothing")]}, "expected a property"),
    ],
)
def test_a_malformed_exercise_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        exercise(**changes)


def test_a_sound_exercise_is_accepted():
    assert exercise().names == ("double",)
    assert exercise(signature="a(x) and b(y)").names == ("a", "b")
