"""Static figures: what is drawn, how it is labelled, and that nothing diverged is left out."""

import matplotlib as mpl
import numpy as np
import pytest
from jupyter_client.manager import run_kernel

from lrlesson import figures
from lrlesson.data import digits
from lrlesson.history import History
from lrlesson.losses import Quadratic, Rosenbrock
from lrlesson.network import net_a
from lrlesson.optimizers import SGD
from lrlesson.scenes.explorers import rate_dial
from lrlesson.schedules import Constant, Cosine, Linear, Triangular
from lrlesson.training import descend, train


@pytest.fixture
def ax():
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots()
    yield ax
    figure.canvas.draw()  # everything can in fact be rendered
    plt.close(figure)


@pytest.fixture(scope="module")
def history():
    return train(net_a(), digits().first(200), SGD(), [0.1, 0.5, 1e6], 3)


def lines(ax):
    return {line.get_label(): line for line in ax.get_lines() if line.get_label()[0] != "_"}


def test_loss_curves_mark_the_run_that_diverged(ax, history):
    figures.loss_curves(history, ["low", "good", "high"], ax=ax)
    assert set(lines(ax)) == {"low", "good", "high (diverges)"}
    assert lines(ax)["good"].get_ydata().tolist() == history.losses[1].tolist()
    assert sum(line.get_marker() == "x" for line in ax.get_lines()) == 1
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("update", "loss", "log")


def test_loss_curves_count_epochs(ax, history):
    figures.loss_curves(history, show="test_loss", against="epochs", ax=ax)
    assert lines(ax)["run 0"].get_xdata().tolist() == [0, 1, 2, 3]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "test loss")


def test_each_run_has_its_own_colour_and_style(ax):
    figures.loss_curves(descend(Quadratic(1.0), [1.0], SGD(), np.full(7, 0.1), 5), ax=ax)
    drawn = list(lines(ax).values())
    assert len({line.get_color() for line in drawn}) == 7
    assert len(figures.STYLES) == len(figures.COLOURS)


def test_a_reading_marks_the_places_that_were_found(ax):
    t = np.arange(600)
    losses = 2 * np.exp(-t / 200) * np.exp(0.05 * np.random.default_rng(0).standard_normal(600)) + 1
    losses[300:305] *= 6
    figures.reading(History.of(losses), ax=ax)
    names = ax.get_legend_handles_labels()[1]
    assert names[0] == "loss"
    assert names[1].startswith("spikes, update 300 to 30")
    shaded = [patch.get_extents().transformed(ax.transData.inverted()) for patch in ax.patches]
    assert any(box.x0 <= 300 and 304 <= box.x1 < 320 for box in shaded)
    assert "spikes" in [text.get_text().strip() for text in ax.texts]


def test_a_reading_of_too_little_says_so(ax):
    figures.reading(History.of([3.0, 2.0, float("nan")]), ax=ax)
    assert ax.get_legend_handles_labels()[1] == ["loss", "cannot tell"]
    assert not ax.patches


def test_rate_curves_show_the_rate_of_each_update(ax):
    eta = Triangular(0.1, 0.5, 4)
    figures.rate_curves({"triangle": eta, "any function": lambda t: 0.2}, 20, ax=ax)
    triangle = lines(ax)["triangle from 0.1 to 0.4, largest 0.5"]
    assert triangle.get_ydata().tolist() == eta.values(20).tolist()
    assert lines(ax)["any function from 0.2 to 0.2, largest 0.2"].get_ydata().tolist() == [0.2] * 20
    assert {text.get_text() for text in ax.texts} == {"triangle", "any function"}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("update t", "learning rate η")
    assert ax.get_ylim()[0] == 0
    with pytest.raises(ValueError, match="updates = 0"):
        figures.rate_curves({"triangle": eta}, 0)
    with pytest.raises(ValueError, match="at least one"):
        figures.rate_curves({}, 10)
    with pytest.raises(ValueError, match=r"schedules\['late'\]\(3\) = nan, expected a finite rate"):
        figures.rate_curves({"late": lambda t: 0.1 if t < 3 else np.nan}, 10)


def test_both_ways_to_draw_schedules_draw_the_same(ax):
    shown = {"glide": Cosine(0.4, 20), "line": Linear(0.4, 0, 20)}
    figures.rate_curves(shown, 21, ax=ax)
    both = ax.figure.subplots()
    figures.schedules(list(shown.values()), list(shown), 21, ax=both)
    assert lines(ax).keys() == lines(both).keys()
    ends = [{text.get_text(): text.xyann for text in one.texts} for one in (ax, both)]
    assert ends[0] == ends[1]


def test_schedules_are_named_at_their_ends(ax):
    shown = [Cosine(0.4, 20), Linear(0.4, 0, 20), Constant(0.1)]
    figures.schedules(shown, ["glide", "line", "flat"], 21, ax=ax)
    drawn = ax.get_lines()
    assert [list(line.get_ydata()) for line in drawn] == [one.values(21).tolist() for one in shown]
    assert "flat from 0.1 to 0.1, largest 0.1" in lines(ax)
    assert {text.get_text() for text in ax.texts} == {"glide", "line", "flat"}
    heights = sorted(text.xyann[1] for text in ax.texts)
    assert np.diff(heights).min() >= 0.06 - 1e-12


@pytest.mark.parametrize("wrong", [[], [0.1], Constant(0.1), [Constant([0.1, 0.2])]])
def test_what_is_no_list_of_schedules_is_refused(wrong):
    with pytest.raises(TypeError, match="at least one Schedule, each of a single run"):
        figures.schedules(wrong)


def test_names_and_updates_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="expected 1 texts"):
        figures.schedules([Constant(0.1)], ["a", "b"])
    with pytest.raises(ValueError, match="updates = 0"):
        figures.schedules([Constant(0.1)], updates=0)


def test_u_curve_shows_the_median_and_marks_what_diverged(ax):
    loss = np.array([[2.0, 2.2, 2.4], [0.1, 0.2, 0.6], [0.1, np.nan, 0.3], [np.nan] * 3])
    failed = np.isnan(loss)
    loss[3, 0] = 1e20  # diverged, though not to infinity
    figures.u_curve([0.01, 0.1, 1.0, 10.0], loss, failed, ax=ax)
    curve = lines(ax)["median of the runs that train, of 3"]
    np.testing.assert_allclose(curve.get_ydata(), [2.2, 0.2, 0.2, np.nan])
    assert lines(ax)["how many of 3 diverged"].get_xdata().tolist() == [1.0, 10.0]
    assert [text.get_text() for text in ax.texts] == ["1", "3"]
    assert (ax.get_xscale(), ax.get_xlabel()) == ("log", "learning rate η")


def test_u_curve_of_one_seed_and_nothing_diverged(ax):
    figures.u_curve([0.1, 1.0], [1.0, 0.5], [False, False], ax=ax)
    assert list(lines(ax)) == ["loss"]


def test_contour_draws_paths_start_and_minimum(ax):
    bowl = Quadratic([1, 20], rotation=0.4, minimum=[1.0, 0.0])
    history = descend(bowl, [2.0, 1.0], SGD(), [0.05, 5.0], 500)  # the second overflows
    figures.contour(bowl, history.weights, ["calm", "wild"], ax=ax)
    path = np.column_stack(lines(ax)["calm"].get_data())
    np.testing.assert_allclose(path, history.weights[0])
    assert np.isfinite(lines(ax)["wild"].get_data()).all()
    star = next(line for line in ax.get_lines() if line.get_marker() == "*")
    np.testing.assert_allclose(np.ravel(star.get_data()), [1, 0])
    assert ax.get_xlim()[0] < 1 < 2 < ax.get_xlim()[1]
    assert ax.get_ylabel() == "weight w₂"


def test_contour_without_paths_takes_a_view(ax):
    figures.contour(Rosenbrock(), view=(-2, 2, -1, 3), lines=40, ax=ax)
    assert (ax.get_xlim(), ax.get_ylim()) == ((-2, 2), (-1, 3))
    assert len(ax.collections[1].levels) == 40


def test_the_lines_of_a_contour_lie_close_where_it_is_steep_and_the_valley_is_the_bluest(ax):
    figures.contour(Quadratic([1, 8]), view=(-2, 2, -2, 2), ax=ax)
    filled, lines = ax.collections
    steps = np.diff(lines.levels)
    np.testing.assert_allclose(steps, steps[0])  # of loss, from line to line
    assert lines.levels[-1] == pytest.approx(18)  # the corners' loss: every line is in view
    assert len(lines.levels) == 18
    shades = filled.get_facecolors()[:, :3].sum(axis=1)
    assert (np.diff(shades) > 0).all()  # from the lowest loss to the highest: ever paler
    assert ax.get_title("left") == "stronger blue: lower loss"


def test_the_dial_and_the_contours_give_a_low_loss_the_same_colours(ax):
    figures.contour(Quadratic([1, 8]), view=(-2, 2, -2, 2), ax=ax)
    dial = rate_dial()._stage.axes("surface")
    for surface in (dial, ax):
        shades = surface.collections[0].get_facecolors()[:, :3].sum(axis=1)
        assert (np.diff(shades) > 0).all()
    assert any("stronger blue: lower" in text.get_text() for text in dial.texts)
    assert "a stronger blue is a lower loss" in rate_dial().spec["alt"]


def test_a_new_figure_is_made_where_no_axes_are_given():
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figures.contour(Rosenbrock())
    assert len(plt.get_fignums()) == 1
    plt.close("all")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda h, ax: figures.loss_curves(h, show="val_loss", ax=ax), "show = 'val_loss'"),
        (lambda h, ax: figures.loss_curves(h, show="runs", ax=ax), "show = 'runs'"),
        (lambda h, ax: figures.loss_curves(h, against="days", ax=ax), "against = 'days'"),
        (lambda h, ax: figures.loss_curves(h, ["one"], ax=ax), "expected 3 of them"),
        (lambda h, ax: figures.u_curve([1, 2], [1, 2, 3], [0, 0, 0], ax=ax), "lr has shape"),
        (lambda h, ax: figures.contour(Quadratic(1.0), ax=ax), "a loss of 2 dimensions"),
        (lambda h, ax: figures.contour(Rosenbrock(), np.ones(3), ax=ax), "paths has shape"),
        (lambda h, ax: figures.contour(Rosenbrock(), lines=0, ax=ax), "lines = 0"),
        (
            lambda h, ax: figures.contour(Rosenbrock(), np.ones((4, 2)), ["a", "b"], ax=ax),
            "expected 1 of them",
        ),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call, message, history, ax):
    with pytest.raises(ValueError, match=message):
        call(history, ax)


def test_weight_rates_show_every_weight_that_was_used(ax):
    figures.weight_rates([1, 5, 50, 9], [2.0, 0.3, 0.07, np.nan], 0.2, xlabel="count", ax=ax)
    drawn = lines(ax)
    assert drawn["a weight (1 not yet used)"].get_xydata().tolist() == [
        [1, 2],
        [5, 0.3],
        [50, 0.07],
    ]
    assert set(drawn["base rate η = 0.2"].get_ydata()) == {0.2}
    assert (ax.get_xscale(), ax.get_yscale(), ax.get_xlabel()) == ("log", "log", "count")
    with pytest.raises(ValueError, match=r"seen has shape \(2,\) and rate \(3,\)"):
        figures.weight_rates([1, 2], [1, 2, 3], 0.1, xlabel="count")


def test_a_figure_shows_itself_in_the_colours_of_the_page_and_says_what_it_shows():
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figures.rate_curves({"triangle <1>": Triangular(0.1, 0.5, 4)}, 20)
    figure = plt.gcf()
    words = "learning rate η against update t: triangle &lt;1&gt; from 0.1 to 0.4, largest 0.5"
    shown = figure._repr_html_()
    assert shown.count(f'role="img" aria-label="{words}"') == 1
    assert shown.count(f'<img alt="{words}" src="data:image/png;base64,') == 1
    assert "body[data-jp-theme-light='false'] .lrlesson-picture," in shown
    drawing = shown.partition("<svg")[2].partition("</svg>")[0]
    assert "var(--lr-low, #1062aa)" in drawing
    assert "var(--lr-ink" in drawing
    assert shown == figure._repr_html_()  # the drawing and the figure's size are left as they were
    plt.close(figure)


def test_a_logarithmic_axis_and_the_colours_are_told(history):
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figures.loss_curves(history, ["low", "good", "high"])
    words = "loss (logarithmic) against update: low, good, high (diverges)"
    assert plt.gcf().in_words() == words
    plt.close("all")
    figures.contour(Quadratic([1, 8]), np.ones((2, 2)), ["run"])
    words = "weight w₂ against weight w₁ (stronger blue: lower loss): run"
    assert plt.gcf().in_words() == words
    plt.close("all")


def test_every_figure_of_a_notebook_is_shown_and_not_the_first_alone():
    draw = "figures.loss_curves(history)"
    cells = [
        "from lrlesson import SGD, Quadratic, descend, figures",
        "history = descend(Quadratic(1.0), [1.0], SGD(), 0.1, 5)",
        draw,
        f"{draw}; print('and a word')",
    ]
    shown = []
    with run_kernel() as kernel:
        for cell in cells:
            heard: list = []
            kernel.execute_interactive(cell, timeout=120, output_hook=heard.append)
            shown.append([m["msg_type"] for m in heard if m["msg_type"] == "display_data"])
    assert shown == [[], [], ["display_data"], ["display_data"]]


@pytest.mark.parametrize("names", [3, "a", ["one", "two"], [1]])
def test_names_that_fit_no_schedules_are_refused_in_a_sentence(names):
    with pytest.raises(ValueError, match=r"schedules: names = .*, expected 1 texts"):
        figures.schedules([Cosine(0.1, 20)], names=names)
