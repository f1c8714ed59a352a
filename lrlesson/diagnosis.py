"""What a loss curve says about its learning rate, in sentences, each with its doubt.

The thresholds were chosen on real trainings whose ailment was known, and tried on others that were
held apart; docs/diagnosis.md has the table of what was right (benchmarks/diagnosis.py makes it).
"""

import html
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lrlesson.base.fields import refusal
from lrlesson.history import History

FEWEST = 30  # losses below which nothing is said
JUMP = 1.6  # times the recent level: less is no spike
OUT = 5.0  # times the usual deviation from the recent level
ASYMMETRY = 1.2  # times the deepest dip: noise goes down, in logarithms, as far as up
MANY = 4  # spikes from which on the rate is near its edge all the time
EARLY = 0.15  # the share of a run in which a warmup matters
HUMP = 1.5  # times the first loss: less is no hump
SPENT = 0.1  # a rate below this share of its highest moves nothing any more
FLAT = 0.12  # of a logarithm: a change that is none
MOST = 3_000  # points that are looked at: longer curves are put together


class Sign(NamedTuple):
    """One thing that a curve shows: its name, what it was seen by, and what may speak against it.

    sure: whether nothing else that we know looks like it. places: updates, first and last.
    """

    kind: str
    sentence: str
    doubt: str
    first: str
    lesson: str
    sure: bool = False
    places: tuple[tuple[float, float], ...] = ()


LESSONS = {
    "diverged": ("02", "Train once more at a third of this rate."),
    "near the edge": ("02", "Train once more at half of this rate."),
    "spikes": (
        "07",
        "Look at the batches there; if they are sound, clip the gradient or halve the rate.",
    ),
    "warmup too short": ("07", "Make the warmup three times as long, at the same highest rate."),
    "too low": ("10", "Run a range test, or train once more at three times this rate."),
    "decay too early": ("05", "Let the first decay come at half of the run or later."),
    "noise floor": ("03", "Let the rate fall to 0 over the last quarter, from these weights."),
    "plateau": (
        "06",
        "Train longer, or at three times this rate, before you change anything else.",
    ),
    "nothing": ("10", "Compare with a third and with three times this rate."),
    "cannot tell": ("10", "Log every update, with its rate, and train longer."),
}


@dataclass(frozen=True)
class Reading:
    """What was found in one run, the likeliest first; shows itself as sentences."""

    name: str
    signs: tuple[Sign, ...]

    @property
    def kind(self) -> str:
        """The name of the first finding."""
        return self.signs[0].kind

    def __repr__(self) -> str:
        lines = [self.name] if self.name else []
        for f in self.signs:
            lines += [f"{f.kind}: {f.sentence}", f"  doubt: {f.doubt}"]
            lines += [f"  try first: {f.first} (lesson {f.lesson})"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<dt><b>{html.escape(f.kind)}</b></dt><dd>{html.escape(f.sentence)} <i>"
            f"{html.escape(f.doubt)}</i><br>Try first: {html.escape(f.first)} "
            f"(lesson {f.lesson})</dd>"
            for f in self.signs
        )
        return f"<p>{html.escape(self.name)}</p><dl>{rows}</dl>"


def diagnose(history: Any, run: int = 0) -> Reading:
    """Say what one run of a history, or of a log, shows about its learning rate.

    It never says what cannot be seen in the losses: with few of them, or without the rates, the
    answer is "cannot tell", or says what would have to be known. Loss and rates of a training loop
    of your own: `diagnose(History.of(losses, rates))`.
    """
    if not isinstance(history, History):
        expected = "a History: of train, read_log(path), or History.of(losses, rates)"
        raise TypeError(refusal("diagnose", "history", history, expected))
    if not 0 <= run < history.runs:
        raise ValueError(refusal("diagnose", "run", run, f"a number from 0 to {history.runs - 1}"))
    curve = _Curve(history, run)
    names = getattr(history, "names", ())
    name = names[run] if names else ""
    if curve.n < FEWEST:
        said = f"There are {curve.n} losses, and fewer than {FEWEST} say nothing."
        return Reading(name, (_sign("cannot tell", said, "None: this is too little."),))
    checks = (_diverged, _plateau, _jumps, _decay_too_early, _too_low, _noise_floor)
    found: list[Sign] = []
    for check in checks:
        one = check(curve)
        if one is not None:
            found.append(one)
            if one.kind in ("diverged", "decay too early"):
                break  # then the end of the curve says nothing of its own
    return Reading(name, tuple(found) or (_nothing(curve),))


def _sign(kind: str, sentence: str, doubt: str, sure: bool = False, places: Any = ()) -> Sign:
    lesson, first = LESSONS[kind]
    return Sign(kind, sentence, doubt, first, lesson, sure, tuple(places))


class _Curve:
    """One run as it is looked at: at most MOST points, the logarithm of the loss, its level."""

    def __init__(self, history: History, run: int) -> None:
        from scipy.ndimage import median_filter, uniform_filter1d

        rows = int(history.rows[run]) if hasattr(history, "rows") else history.losses.shape[1]
        losses = history.losses[run, :rows]
        at = history.at[run, :rows] if hasattr(history, "at") else np.arange(rows)
        rates = history.rates[run, : min(rows, history.rates.shape[1])]
        self.n = rows
        good = np.isfinite(losses)
        self.ends_finite = bool(rows and good[-1])
        self.holes = int(np.count_nonzero(~good))
        self.first_hole = float(at[np.argmin(good)]) if self.holes else np.nan
        if rows < FEWEST:
            return
        block = -(-rows // MOST)
        whole = rows // block * block
        parts = [a[:whole].reshape(-1, block) for a in (at, np.where(good, losses, np.nan))]
        rates = np.append(rates, np.full(rows - len(rates), np.nan))[:whole].reshape(-1, block)
        there = np.isfinite(parts[1]).any(axis=1)
        self.at = parts[0][there].mean(axis=1)
        loss = np.nanmedian(parts[1][there], axis=1)
        high = np.nanmax(parts[1][there], axis=1)
        self.rates = rates[there].mean(axis=1)
        self.known = bool(len(self.rates) and np.isfinite(self.rates[:-1]).all())
        self.points = len(loss)
        if self.points < FEWEST // 2:
            return
        low = np.min(loss)
        self.shift = 0.0 if low > 0 else low - 0.05 * (np.median(loss) - low) - 1e-12
        self.loss = loss
        self.y = np.log(np.clip(loss - self.shift, 1e-30, 1e30))
        peaks = np.log(np.clip(high - self.shift, 1e-30, 1e30))
        self.first = float(np.log(max(losses[good][0] - self.shift, 1e-30)))
        width = max(9, self.points // 25) | 1
        self.level = uniform_filter1d(median_filter(self.y, width, mode="nearest"), width)
        self.noise = 1.4826 * float(np.median(np.abs(self.y - self.level)[self.points // 2 :]))
        # One hard batch is no spike: weights that were thrown off stay so for some updates.
        self.smooth = median_filter(self.y, 3, mode="nearest")
        self.short = self.smooth if block == 1 else peaks
        usual = uniform_filter1d(median_filter(self.short, width, mode="nearest"), width)
        self.above = self.short - usual
        around = 1.4826 * median_filter(np.abs(self.above), 4 * width + 1, mode="nearest")
        around *= 1 if block == 1 else 2  # the highest of many losses strays further upwards
        recent = np.concatenate([np.full(width // 2 + 2, np.nan), usual])[: self.points]
        with np.errstate(invalid="ignore"):
            dip = -float(self.above[self.points // 10 :].min())
            self.out = self.above > np.maximum(max(np.log(JUMP), ASYMMETRY * dip), OUT * around)
            self.out &= self.short - recent > np.log(JUMP)

    def share(self, start: float, end: float) -> slice:
        """The points between two shares of the run."""
        return slice(int(start * self.points), max(int(end * self.points), 1))

    def value(self, y: float) -> float:
        """A loss, from the logarithm that is looked at."""
        return float(np.exp(y) + self.shift)

    def events(self) -> list[tuple[float, float]]:
        """The first and the last update of each excursion."""
        found: list[list[int]] = []
        for place in np.flatnonzero(self.out):
            if found and place - found[-1][1] <= max(3, self.points // 100):
                found[-1][1] = int(place)
            else:
                found.append([int(place), int(place)])
        return [(float(self.at[a]), float(self.at[b])) for a, b in found]

    @property
    def constant(self) -> bool:
        """Whether the rate of the second half stays within a fifth of itself, if it is known."""
        if not self.known:
            return True
        half = self.rates[self.points // 2 : -1]
        return bool(half.max() <= 1.2 * half.min())


def _diverged(c: _Curve) -> Sign | None:
    if not c.ends_finite or c.points < FEWEST // 2:
        said = f"From update {c.first_hole:,.0f} on the loss is not a number, until the end."
        return _sign("diverged", said, "None.", True, [(c.first_hole, c.first_hole)])
    end = float(np.median(c.y[c.share(0.9, 1)]))
    top = float(c.smooth.max())
    place = float(c.at[int(c.smooth.argmax())])
    if end > c.first + np.log(1.15) and end > c.level.min() + np.log(1.5):
        said = (
            f"It ends at {c.value(end):.3g}, above the {c.value(c.first):.3g} where it began; the "
            f"highest loss was {c.value(top):.3g}, at update {place:,.0f}."
        )
        sure = end > c.first + np.log(10)
        doubt = "None." if sure else "Data that grow harder on the way look the same."
        return _sign("diverged", said, doubt, sure, [(place, place)])
    if top > c.first + np.log(5) and end > c.first - np.log(2):
        said = (
            f"The loss rose to {c.value(top):.3g} (update {place:,.0f}), and then stayed at "
            f"{c.value(end):.3g}: hardly below the {c.value(c.first):.3g} of the beginning."
        )
        return _sign("diverged", said, "A longer run may still recover.", False, [(place, place)])
    return None


def _jumps(c: _Curve) -> Sign | None:
    """A hump at the beginning, a few spikes, or many of them."""
    early = c.share(0, EARLY)
    hump = float(c.smooth[early].max())
    place = float(c.at[int(c.smooth[early].argmax())])
    events = [e for e in c.events() if e[0] > c.at[early.stop - 1]]
    if hump > c.first + np.log(HUMP):
        said = (
            f"The loss first rose from {c.value(c.first):.3g} to {c.value(hump):.3g} "
            f"(update {place:,.0f}), and fell later."
        )
        if c.known:
            peak = float(np.nanmax(c.rates))
            reached = float(c.at[int(np.argmax(c.rates >= 0.9 * peak))])
            said += f" The highest rate, {peak:.3g}, was reached at update {reached:,.0f}."
            if c.constant and np.nanmin(c.rates) > 0.8 * peak:
                return _near(c, [(place, place), *events], said)
        doubt = "A rate that is too high all along begins in the same way."
        return _sign("warmup too short", said, doubt, False, [(place, place)])
    if not events:
        return None
    if len(events) >= MANY:
        return _near(c, events)
    heights = [float(c.above[(c.at >= a) & (c.at <= b)].max()) for a, b in events]
    worst = int(np.argmax(heights))
    said = (
        f"{len(events)} time{'s' * (len(events) > 1)} the loss jumped out of its recent level, by "
        f"a factor of up to {np.exp(heights[worst]):.3g} (update {events[worst][0]:,.0f}), and "
        "came back."
    )
    doubt = "Batches that are hard or broken do it as well as a rate near its limit."
    return _sign("spikes", said, doubt, False, events)


def _near(c: _Curve, events: list[tuple[float, float]], said: str = "") -> Sign:
    said = said or (
        f"{len(events)} times the loss jumped out of its recent level and came back, from update "
        f"{events[0][0]:,.0f} to update {events[-1][0]:,.0f}."
    )
    doubt = "Rare, hard batches look the same; a training at half of the rate tells them apart."
    return _sign("near the edge", said, doubt, False, events)


def _decay_too_early(c: _Curve) -> Sign | None:
    if not c.known:
        return None
    peak = float(np.nanmax(c.rates))
    spent = c.rates <= SPENT * peak
    top = int(np.argmax(c.rates >= 0.999 * peak))
    after = np.flatnonzero(~spent[top:])
    start = top + int(after[-1]) + 1 if len(after) else c.points
    if start > 0.6 * c.points or start < 3:
        return None
    before, later = _fall(c, start // 3, start), _fall(c, start, c.points)
    if before < FLAT or later > 3 * before * (c.points - start) / start:
        return None
    share = 1 - start / c.points
    said = (
        f"Before update {c.at[start]:,.0f} the loss was still falling, by "
        f"{1 - np.exp(-before):.0%} in the last two thirds of that time; the {share:.0%} of the "
        "run after it had less than a tenth of the highest rate."
    )
    doubt = "If the loss had reached the floor of the data there, no schedule helps."
    places = [(float(c.at[start]), float(c.at[-1]))]
    return _sign("decay too early", said, doubt, False, places)


def _fall(c: _Curve, start: int, end: int) -> float:
    """By how much the logarithm of the loss falls between two points."""
    width = max(1, (end - start) // 3)
    return float(np.median(c.y[start : start + width]) - np.median(c.y[max(end - width, 0) : end]))


def _plateau(c: _Curve) -> Sign | None:
    total = c.first - float(c.level.min())
    moved = np.flatnonzero(c.level < c.first - max(FLAT, 0.1 * total))
    start = int(moved[0]) if len(moved) else c.points
    if total < FLAT or start < 0.08 * c.points:
        return None
    if c.smooth[:start].max() > c.first + np.log(HUMP):
        return None  # it rose first
    flat = abs(_fall(c, 0, max(start, 4)))
    later = _fall(c, start, min(c.points, 2 * start + 4))
    if later < 3 * flat or later < 2 * FLAT:
        return None
    said = (
        f"For the first {c.at[start]:,.0f} updates the loss stayed near {c.value(c.first):.3g}; "
        f"then it fell by {1 - np.exp(-later):.0%} in as many again."
    )
    doubt = "A warmup that begins very low looks the same." if not c.known else "None that we know."
    return _sign("plateau", said, doubt, False, [(float(c.at[0]), float(c.at[start]))])


def _too_low(c: _Curve) -> Sign | None:
    if not c.constant:
        return None
    begin, end = c.value(c.first), c.value(float(np.median(c.y[c.share(0.9, 1)])))
    tenth = c.value(float(np.median(c.y[c.share(0.08, 0.12)])))
    third = _fall(c, int(0.6 * c.points), c.points)
    share = (begin - tenth) / (begin - end) if begin > end else 1.0
    if third < FLAT / 2 or begin <= end:
        return None
    if not (share < 0.6 or (third > FLAT and c.noise < FLAT)):
        return None
    said = (
        f"The loss is still falling, by {1 - np.exp(-third):.0%} in the last two fifths, and the "
        f"first tenth of the run brought only {share:.0%} of the way from {begin:.3g} to {end:.3g}."
        if share < 0.6
        else f"The loss is still falling, smoothly, by {1 - np.exp(-third):.0%} in the last two "
        f"fifths, and from batch to batch it differs by only {np.expm1(c.noise):.0%}."
    )
    doubt = "A model that learns slowly at any rate looks the same."
    return _sign("too low", said, doubt, False, [(float(c.at[0]), float(c.at[-1]))])


def _noise_floor(c: _Curve) -> Sign | None:
    if not c.constant:
        return None
    middle, end = (float(np.mean(c.y[c.share(*part)])) for part in ((0.4, 0.7), (0.7, 1)))
    fell = c.first - end
    if abs(middle - end) > FLAT or fell < 2 * FLAT or c.noise < FLAT / 4:
        return None
    said = (
        f"Since the middle of the run the loss stays near {c.value(end):.3g}, and from batch to "
        f"batch it differs by {np.expm1(c.noise):.0%}, "
        + ("while the rate does not fall." if c.known else "and the rates are not known.")
    )
    doubt = "A model that can do no better looks the same; a lower rate at the end tells."
    if not c.known:
        doubt = "A rate that fell early, or a model that can do no better, looks the same."
    return _sign("noise floor", said, doubt, False, [(float(c.at[c.points // 2]), float(c.at[-1]))])


def _nothing(c: _Curve) -> Sign:
    if c.first - float(c.level.min()) < FLAT:
        said = f"The loss hardly moved: it began at {c.value(c.first):.3g}."
        doubt = "A rate that is far too low, a plateau, and a broken gradient look the same."
        return _sign("cannot tell", said, doubt)
    end = float(np.median(c.y[c.share(0.9, 1)]))
    said = f"It fell from {c.value(c.first):.3g} to {c.value(end):.3g}, and nothing stands out."
    doubt = "A rate that is twice too low or twice too high often shows nothing in one run."
    return _sign("nothing", said, doubt)
