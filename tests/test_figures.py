"""Static figures: what is drawn, how it is labelled, and that nothing diverged is left out."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from jupyter_client.manager import run_kernel

from lrlesson import figures
from lrlesson.data import digits
from lrlesson.drawing.lettering import Lettering
from lrlesson.history import History
from lrlesson.losses import Quadratic, Rosenbrock
from lrlesson.network import net_a
from lrlesson.optimizers import SGD
from lrlesson.scenes.explorers import rate_dial
from lrlesson.schedules import Constant, Cosine, Linear, StepDecay, Triangular
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
    """Every line by its label, and by the name that its label begins with."""
    found = {line.get_label(): line for line in ax.get_lines() if line.get_label()[0] != "_"}
    return found | {label.partition(" from ")[0]: line for label, line in found.items()}


def lettering(ax):
    (found,) = (artist for artist in ax.get_children() if isinstance(artist, Lettering))
    return found


def names(ax):
    """The names beside the lines, each in one line."""
    return [name.get_text().replace("\n", " ") for name in lettering(ax).names]


def test_loss_curves_mark_the_run_that_diverged(ax, history):
    figures.loss_curves(history, ["low", "good", "high"], ax=ax)
    assert names(ax) == ["low", "good", "high, diverges"]
    assert ax.get_title() == "Good ends lowest, at 0.21; 1 of 3 diverges"
    assert lines(ax)["good"].get_ydata().tolist() == history.losses[1].tolist()
    assert sum(line.get_marker() == "x" for line in ax.get_lines()) == 1
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("update", "loss", "log")


def test_loss_curves_count_epochs(ax, history):
    figures.loss_curves(history, show="test_loss", against="epochs", ax=ax)
    assert lines(ax)["run 0"].get_xdata().tolist() == [0, 1, 2, 3]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "test loss")


def test_each_run_has_its_own_colour_and_its_name_has_it_too(ax):
    figures.loss_curves(descend(Quadratic(1.0), [1.0], SGD(), np.full(6, 0.1), 5), ax=ax)
    drawn = [line for line in ax.get_lines() if line.get_label()[0] != "_"]
    assert len({line.get_color() for line in drawn}) == 6
    assert {line.get_linestyle() for line in drawn} == {"-"}  # dashes mean theory, and no run
    shown = [name.get_color() for name in lettering(ax).names]
    assert shown == [line.get_color() for line in drawn]


def test_a_reading_marks_the_places_that_were_found(ax):
    t = np.arange(600)
    losses = 2 * np.exp(-t / 200) * np.exp(0.05 * np.random.default_rng(0).standard_normal(600)) + 1
    losses[300:305] *= 6
    figures.reading(History.of(losses), ax=ax)
    said = ax.get_legend_handles_labels()[1]
    assert said[0] == "loss from 3.01 to 1.1"
    assert said[1].startswith("spikes, update 300 to 30")
    shaded = [patch.get_extents().transformed(ax.transData.inverted()) for patch in ax.patches]
    assert any(box.x0 <= 300 and 304 <= box.x1 < 320 for box in shaded)
    assert said[1] in [text.get_text() for text, _ in lettering(ax).rows]
    assert ax.get_title().startswith("Seen: spikes")


def test_a_reading_of_too_little_says_so(ax):
    figures.reading(History.of([3.0, 2.0, float("nan")]), ax=ax)
    assert ax.get_legend_handles_labels()[1] == ["loss from 3 to 2", "cannot tell"]
    assert not ax.patches


def test_rate_curves_show_the_rate_of_each_update(ax):
    eta = Triangular(0.1, 0.5, 4)
    figures.rate_curves({"triangle": eta, "any function": lambda t: 0.2}, 20, ax=ax)
    triangle = lines(ax)["triangle from 0.1 to 0.4, largest 0.5"]
    assert triangle.get_ydata().tolist() == eta.values(20).tolist()
    assert lines(ax)["any function from 0.2 to 0.2, largest 0.2"].get_ydata().tolist() == [0.2] * 20
    assert names(ax) == ["triangle", "any function"]
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
    assert names(ax) == names(both)
    assert ax.get_title() == both.get_title() == "After 21 updates all are at 0"


def test_schedules_are_named_at_their_ends(ax):
    shown = [Cosine(0.4, 20), Linear(0.4, 0, 20), Constant(0.1)]
    figures.schedules(shown, ["glide", "line", "flat"], 21, ax=ax)
    drawn = ax.get_lines()
    assert [list(line.get_ydata()) for line in drawn] == [one.values(21).tolist() for one in shown]
    assert "flat from 0.1 to 0.1, largest 0.1" in lines(ax)
    assert names(ax) == ["glide", "line", "flat"]


@pytest.mark.parametrize("wrong", [[], [0.1], Constant(0.1), [Constant([0.1, 0.2])]])
def test_what_is_no_list_of_schedules_is_refused(wrong):
    with pytest.raises(TypeError, match="at least one Schedule, each of a single run"):
        figures.schedules(wrong)


def test_names_and_updates_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="expected 1 texts"):
        figures.schedules([Constant(0.1)], ["a", "b"])
    with pytest.raises(ValueError, match="updates = 0"):
        figures.schedules([Constant(0.1)], updates=0)


def test_formulas_are_one_table():
    table = figures.formulas({"one < two": Constant(0.1), "drop": StepDecay(0.1, 0.5, 100)})
    rows = ET.fromstring(table._repr_html_()).findall("tr")  # every tag closed, every < escaped
    assert [row.find("th").text for row in rows] == ["one < two", "drop"]
    assert all(row.find(".//polyline") is not None for row in rows)
    assert repr(table).splitlines()[1].startswith("drop: η(t) = 0.1")


@pytest.mark.parametrize(
    ("wrong", "error"), [([Constant(0.1)], TypeError), ({"a": 0.1}, TypeError), ({}, ValueError)]
)
def test_formulas_refuse_what_has_none(wrong, error):
    with pytest.raises(error, match="formulas: shown"):
        figures.formulas(wrong)


def test_u_curve_shows_the_median_and_marks_what_diverged(ax):
    loss = np.array([[2.0, 2.2, 2.4], [0.1, 0.2, 0.6], [0.1, np.nan, 0.3], [np.nan] * 3])
    failed = np.isnan(loss)
    loss[3, 0] = 1e20  # diverged, though not to infinity
    figures.u_curve([0.01, 0.1, 1.0, 10.0], loss, failed, ax=ax)
    curve = lines(ax)["median of the runs that train, of 3, lowest 0.2 at 0.1"]
    np.testing.assert_allclose(curve.get_ydata(), [2.2, 0.2, 0.2, np.nan])
    assert ax.get_title() == "The lowest loss, 0.2, at the rate 0.1; the first run diverges at 1"
    crossed = lines(ax)["how many of 3 diverged: 1 at 1, 3 at 10"]
    assert crossed.get_xdata().tolist() == [1.0, 10.0]
    assert [text.get_text() for text in ax.texts] == ["1", "3"]
    assert (ax.get_xscale(), ax.get_xlabel()) == ("log", "learning rate η")


def test_u_curve_of_one_seed_and_nothing_diverged(ax):
    figures.u_curve([0.1, 1.0], [1.0, 0.5], [False, False], ax=ax)
    assert list(lines(ax)) == ["loss, lowest 0.5 at 1"]
    assert names(ax) == ["loss"]


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
    assert ax.get_ylabel() == "weight w₂ (stronger blue: lower loss)"


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
    assert drawn["a weight, 1 not yet used"].get_xydata().tolist() == [
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
    words = "From 0.1 to 0.4 in 20 updates. learning rate η against update t: "
    words += "triangle &lt;1&gt; from 0.1 to 0.4, largest 0.5"
    shown = figure._repr_html_()
    assert shown.count(f'role="img" aria-label="{words}"') == 1
    assert shown.count(f'<img width="806" alt="{words}" src="data:image/png;base64,') == 1
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
    words = (
        "Good ends lowest, at 0.21; 1 of 3 diverges. loss (logarithmic) against update: "
        "low from 2.21 to 0.866; good from 2.21 to 0.212; "
        "high from 2.21 to 2.21 at update 0, then it diverges"
    )
    assert plt.gcf().in_words() == words
    plt.close("all")
    figures.contour(Quadratic([1, 8]), np.ones((2, 2)), ["run"])
    words = "The loss stays, from 4.5 to 4.5. weight w₂ (stronger blue: lower loss) against "
    assert plt.gcf().in_words() == words + "weight w₁: run from the loss 4.5 to 4.5"
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


# --- What is written: no legend, no overlap, one format ------------------------------------------


def reading_of_spikes():
    t = np.arange(600)
    losses = 2 * np.exp(-t / 200) * np.exp(0.05 * np.random.default_rng(0).standard_normal(600)) + 1
    losses[300:305] *= 6
    figures.reading(History.of(losses))


def many_that_end_alike():
    rates = np.append(np.linspace(0.1, 0.12, 14), 5.0)
    figures.loss_curves(descend(Quadratic([1, 8]), [1.0, 1.0], SGD(), rates, 9))


def four_to_one_minimum():
    bowl = Quadratic([1, 20], rotation=0.4, minimum=[1.0, 0.0])
    paths = descend(bowl, [2.0, 1.0], SGD(), [0.02, 0.05, 0.09, 5.0], 40).weights
    figures.contour(bowl, paths, ["calm", "brisk", "ping-pong", "wild"])


def u_of_three_seeds():
    rates = np.geomspace(1e-6, 10, 25)
    loss = 1 + np.log(rates / 0.1)[:, None] ** 2 * [0.9, 1, 1.1]
    figures.u_curve(rates, loss, np.tile(rates > 1, (3, 1)).T)


DRAWN = {
    "curves": many_that_end_alike,
    "schedules": lambda: figures.schedules([Cosine(0.1 * k, 20_000 + k) for k in range(1, 9)]),
    "small rates": lambda: figures.rate_curves(
        {"glide": Cosine(3e-5, 90), "c": lambda t: 1e-5}, 90
    ),
    "reading": reading_of_spikes,
    "contour": four_to_one_minimum,
    "u": u_of_three_seeds,
    "weights": lambda: figures.weight_rates([1, 5, 9], [2, 0.3, np.nan], 0.2, xlabel="seen"),
}


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN.keys())
def test_what_is_written_can_be_read(draw):
    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.text import Text

    draw()
    figure = plt.gcf()
    figure.set_dpi(72)
    figure.canvas.draw()
    (ax,) = figure.axes
    assert figure.get_size_inches()[0] * 72 == pytest.approx(806)
    assert ax.get_legend() is None
    assert not any(ax.spines[side].get_visible() for side in ("top", "right"))
    hidden = []
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        shut = [tick for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high]
        hidden += [label for tick in shut for label in (tick.label1, tick.label2)]
    texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    texts = [t for t in texts if t not in hidden]
    boxes = [text.get_window_extent() for text in texts]
    for text, box in zip(texts, boxes, strict=True):
        assert text.get_rotation() == 0
        assert text.get_size() >= 12
        inside = box.x0 >= -1, box.x1 <= 807, box.y0 >= -1, box.y1 <= figure.bbox.y1 + 1
        assert all(inside), (text.get_text(), inside)
    for k, (text, a) in enumerate(zip(texts, boxes, strict=True)):
        for other, b in zip(texts[:k], boxes, strict=False):
            wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
            assert wide <= 1 or high <= 4, (text.get_text(), other.get_text())
    for axis in (ax.xaxis, ax.yaxis):
        shown = [label for label in axis.get_ticklabels() if label not in hidden]
        assert 3 <= len(shown) <= 7
        seen = [label.get_text() for label in shown if label.get_text() != "0"]
        assert len({"10^" in label for label in seen}) == 1, seen
    heights = np.sort([name.get_window_extent().y0 for name in lettering(ax).names])
    assert len(heights) < 3 or draw is four_to_one_minimum or np.diff(heights).min() >= 15
    plt.close(figure)


def test_what_is_said_after_drawing_stands_where_it_belongs():
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figures.rate_curves({"triangle": Triangular(0.1, 0.5, 4)}, 20)
    plt.ylabel("another quantity")
    plt.title("Another thing is seen")
    plt.ylim(0, 50)
    figure = plt.gcf()
    figure.set_dpi(72)
    figure.canvas.draw()
    (ax,) = figure.axes
    found = lettering(ax)
    assert (found.title.get_text(), found.about.get_text()) == (
        "Another thing is seen",
        "another quantity",
    )
    (name,) = found.names
    middle = np.mean(name.get_window_extent().intervaly)
    assert middle == pytest.approx(ax.transData.transform((19, 0.4))[1], abs=8)
    plt.close(figure)


def test_more_names_than_fit_are_refused_and_more_runs_are_drawn_without_names(ax):
    history = descend(Quadratic(1.0), [1.0], SGD(), np.linspace(0.1, 0.2, 40), 5)
    with pytest.raises(
        ValueError, match="loss_curves: 40 names take 40 lines, expected at most 29"
    ):
        figures.loss_curves(history, [f"rate {r}" for r in range(40)])
    with pytest.raises(ValueError, match="schedules: 40 names take 80 lines, expected at most 29"):
        figures.schedules(
            [Cosine(0.1, 20 + k) for k in range(40)], ["two lines of words " * 2] * 40
        )
    figures.loss_curves(history, ax=ax)
    assert names(ax) == []
    assert len(ax.get_lines()) == 41
    (said,) = ax.get_legend_handles_labels()[1]
    assert said.startswith("40 runs that end between 0.0537 and")


def test_a_run_without_a_finite_loss_is_named_at_the_rim_and_none_at_all_is_refused(ax):
    losses = np.array([[3.0, 2.0, 1.0], [np.nan] * 3])
    history = descend(Quadratic(1.0), [1.0], SGD(), [0.1, 0.2], 2)
    history = replace(history, losses=losses, final=np.array([[1.0], [np.nan]]))
    figures.loss_curves(history, ["sound", "lost"], ax=ax)
    assert names(ax) == ["sound", "lost, diverges"]
    assert "lost without a finite loss" in lines(ax)
    with pytest.raises(ValueError, match="expected at least one finite loss"):
        figures.loss_curves(replace(history, losses=losses * np.nan), ax=ax)
    both = ax.figure.subplots()
    figures.u_curve([0.1, 1.0], [[np.nan] * 3] * 2, [[True] * 3] * 2, ax=both)
    assert both.get_title() == "Every run diverges, at each of the 2 rates"


def test_a_path_that_leaves_the_view_has_an_arrow_where_it_leaves(ax):
    path = np.array([[0.0, 0.0], [0.5, 0.25], [2.0, 1.0]])
    figures.contour(Quadratic([1, 1]), path, ["out"], view=(-1, 1, -1, 1), ax=ax)
    (arrow,) = (line for line in ax.get_lines() if isinstance(line.get_marker(), tuple))
    np.testing.assert_allclose(np.ravel(arrow.get_data()), [1.0, 0.5])
    with pytest.raises(ValueError, match="paths that start at finite weights"):
        figures.contour(Quadratic([1, 1]), path * np.nan)


def test_a_picture_has_the_same_scale_in_both_directions():
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figures.contour(Quadratic([1, 8]))
    plt.gcf().canvas.draw()
    (ax,) = plt.gcf().axes
    unit = np.diff(ax.transData.transform([(0, 0), (1, 1)]), axis=0)[0]
    assert unit[0] == pytest.approx(unit[1])
    assert ax.bbox.width > 0.85 * plt.gcf().bbox.width  # and fills the figure
    plt.close("all")
