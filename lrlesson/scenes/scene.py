"""`Scene`: an interactive figure whose every frame is computed beforehand, in Python."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import itertools
import json
import re
import sys
import textwrap
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path as FilePath
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from lrlesson.base.extras import needed
from lrlesson.drawing.page import HANDS
from lrlesson.drawing.stage import Stage
from lrlesson.drawing.theme import PAGE_SHEET, style, theme_css
from lrlesson.scenes.actors import Actor, Label, Pack, Spec
from lrlesson.scenes.actors.actor import reached
from lrlesson.scenes.controls import Control
from lrlesson.scenes.say import Keep, Say

with needed("course", "a scene"):
    import anywidget
    import traitlets

PAYLOAD_LIMIT = 1_000_000  # bytes of arrays, drawing and text together

_HERE = FilePath(__file__).parent
_SCRIPT = HANDS + (_HERE / "scene.js").read_text(encoding="utf-8")
_SHEET = theme_css(".lrlesson-scene") + PAGE_SHEET + (_HERE / "scene.css").read_text("utf-8")

_live: dict[str, tuple[str, list[Scene]]] = {}  # by notebook cell: (run, its scenes)
_pictures: dict[str, bytes] = {}


class Scene(anywidget.AnyWidget):
    """Matplotlib sets the stage, the browser moves the actors.

    stage: a matplotlib figure, or a `Stage` kept from an earlier call.
    controls: what the reader moves. Each becomes a trait of the same name: the 0-based position,
        to read, set, observe or link (`scene.rate = 0`).
    actors: what moves; see `lrlesson.scenes.actors`.
    say: sentences about the current frame; the first is the verdict.
    alt: one sentence on what the figure shows, for those who do not see it.
    narrow: a second stage in one column, for pages below 560 px; its axes have the same labels
        and limits.
    keep: what the page remembers, for actors and sentences about what was `kept`.
    answer: for controls with `ask`: called with every control's value by name, it returns the
        actors and sentences of a new sweep, as many sentences as before.

    Raises ValueError where the parts do not fit together or exceed `PAYLOAD_LIMIT`.
    """

    _esm = _SCRIPT
    _css = _SHEET
    spec = traitlets.Dict().tag(sync=True)
    frames = traitlets.Dict().tag(sync=True)  # actors and sentences of the last answer
    data = traitlets.Bytes().tag(sync=True)
    kept: Any = traitlets.List().tag(sync=True)

    def __init__(
        self,
        stage: Stage | Figure,
        controls: Sequence[Control],
        actors: Sequence[Actor],
        say: Sequence[Say],
        *,
        name: str = "scene",
        alt: str = "",
        narrow: Stage | Figure | None = None,
        keep: Keep | None = None,
        answer: Callable[..., tuple[Sequence[Actor], Sequence[Say]]] | None = None,
    ) -> None:
        stages = [s if isinstance(s, Stage) else Stage.of(s) for s in (stage, narrow) if s]
        if len(stages) == 2 and list(stages[0].boxes) != list(stages[1].boxes):
            raise ValueError(
                f"{name}: narrow has axes {', '.join(stages[1].boxes)}, "
                f"expected {', '.join(stages[0].boxes)}"
            )
        for label, scale in stages[0].scales().items():
            if scale != stages[-1].scales()[label]:
                raise ValueError(
                    f"{name}: narrow has axes '{label}' with scales and limits "
                    f"{stages[-1].scales()[label]}, expected {scale}"
                )
        for control in controls:
            if hasattr(type(self), control.name) or not control.name.isidentifier():
                raise ValueError(f"{name}: control '{control.name}': choose another name")
        names = [control.name for control in controls]
        if len(set(names)) < len(names):
            raise ValueError(f"{name}: controls {', '.join(names)}: expected distinct names")
        asking = [control.name for control in controls if control.ask]
        if bool(asking) != (answer is not None):
            raise ValueError(f"{name}: answer goes with controls that ask, expected both or none")
        self._stage, self._controls, self._answer = stages[0], list(controls), answer
        self._fixed: Spec = {
            "v": 1,
            "name": name,
            "alt": alt,
            "stages": [
                {"svg": s.svg, "size": list(s.size), "boxes": [list(b) for b in s.boxes.values()]}
                for s in stages
            ],
            "controls": [control.spec() for control in controls],
        }
        pack = Pack(name, self._stage, controls)
        for control, packed in zip(controls, self._fixed["controls"], strict=True):
            packed["sets"] = _moves(pack, control)
            packed["when"] = _when(pack, control)
        if keep is not None:
            self._fixed["keep"] = keep.spec(pack)
        self._weight = len(json.dumps(self._fixed, ensure_ascii=False).encode())
        frames, data = self._pack(actors, say)
        spec = self._fixed | frames
        self.add_traits(
            **{c.name: traitlets.Int(c.at, min=0, max=c.n - 1).tag(sync=True) for c in controls}
        )
        # Everything is known before the comm opens, so the first message is complete.
        super().__init__(spec=spec, data=data)
        self._asked = self.position
        if asking:
            self.observe(self._ask, names=asking)
        self._close_previous()

    def _pack(self, actors: Sequence[Actor], say: Sequence[Say]) -> tuple[Spec, bytes]:
        """The actors and sentences for the browser, and their arrays."""
        name = self._fixed["name"]
        pack = Pack(name, self._stage, self._controls)
        sizes, packed = {}, []
        for actor in actors:
            before = pack.length
            packed.append(actor.spec(pack))
            sizes[actor.name] = 4 * (pack.length - before)
        _room_for_names(name, self._fixed["stages"], self._stage, packed)
        frames: Spec = {"actors": packed, "say": [sentence.spec(pack) for sentence in say]}
        self._actors = list(actors)
        text = len(json.dumps(frames, ensure_ascii=False).encode()) - len("{}") + len(", ")
        self._payload = self._weight + text + len(pack.data)
        if self._payload > PAYLOAD_LIMIT:
            worst = max(sizes, key=lambda actor: sizes[actor], default="")
            raise ValueError(
                f"{name}: payload of {self._payload / 1e6:.2f} MB, expected at most "
                f"{PAYLOAD_LIMIT / 1e6:.2f} MB; the largest actor is '{worst}' "
                f"({sizes.get(worst, 0) / 1e6:.2f} MB)"
            )
        return frames, pack.data

    def _ask(self, change: Any) -> None:
        """Answer a change of a control that asks, once for each position of all of them."""
        if self._asked == self.position or self._answer is None:
            return
        self._asked = self.position
        values = {control.name: self.value(control.name) for control in self._controls}
        frames, data = self._pack(*self._answer(**values))
        self.spec.update(frames)  # for new views and exports; live views get only what changed
        count = self.frames.get("count", 0) + 1
        with self.hold_sync():
            self.data = data
            self.frames = frames | {"count": count}

    @property
    def payload(self) -> int:
        """Bytes sent to the browser: arrays, drawing and text."""
        return self._payload

    @property
    def position(self) -> tuple[int, ...]:
        """The current position of every control."""
        return tuple(getattr(self, control.name) for control in self._controls)

    def value(self, control: str) -> Any:
        """The value of a control at its current position."""
        for known in self._controls:
            if known.name == control:
                return known.values[getattr(self, control)]
        raise ValueError(
            f"{self.spec['name']}: unknown control '{control}', "
            f"expected one of {', '.join(c.name for c in self._controls)}"
        )

    def row(self, ref: Spec, position: Sequence[int] | None = None) -> Any:
        """What a reference in `spec` points to, now or at another position of all controls: an
        array of ref["n"] numbers, or a string."""
        if "offset" in ref:
            offset, scale, center = (self.row(ref[p], position) for p in ("offset", "scale",
                                                                          "center"))  # fmt: skip
            more = self.row(ref["plus"], position) if "plus" in ref else 0
            return center + scale * offset + more
        k, at = 0, self.position if position is None else position
        for axis in ref["by"]:
            k = k * self._controls[axis].n + at[axis]
        if "which" in ref:
            return ref["strings"][int(self.row(ref["which"], at)[0])]
        if "strings" in ref:
            return ref["strings"][k]
        start = 4 * (ref["o"] + k * ref["n"])
        return np.frombuffer(self.data[start : start + 4 * ref["n"]], np.float32)

    @property
    def sentences(self) -> list[str]:
        """What the scene says about the current frame."""
        said = []
        for say in self.spec["say"]:
            at = self.kept[-1] if say["kept"] and self.kept else self.position
            text = "".join(self._wording(part, at) for part in say["parts"])
            badge = self.row(say["badge"], at) if "badge" in say else ""
            said.append(f"{badge}{'' if badge.endswith('?') else ':'} {text}" if badge else text)
        return said

    def _wording(self, part: Any, at: Sequence[int]) -> str:
        if isinstance(part, str):
            return part
        if "total" in part:
            return f"{sum(float(self.row(part['total'], entry)[0]) for entry in self.kept):g}"
        if "least" in part:
            sizes = [float(self.row(option["number"], at)[0]) for option in part["least"]]
            k = 0 if np.isnan(sizes).all() else int(np.nanargmin(sizes))
            part = part["least"][k]["text"]
        return str(self.row(part, at))

    @property
    def verdict(self) -> str:
        """The first sentence."""
        return self.sentences[0] if self.spec["say"] else self.spec["alt"]

    def __repr__(self) -> str:
        return f"<Scene {self.spec.get('name', '')}: {self.verdict if self.spec else ''}>"

    def png(self, dpi: float = 108) -> bytes:
        """The current frame drawn by matplotlib, on white, and below it what is said of it."""
        key = f"{self._stage.digest} {hashlib.sha256(self.data).hexdigest()} {self.position} "
        key += f"{self.kept} {self.sentences} {dpi}"
        if key not in _pictures:
            artists: list[Any] = []
            out = io.BytesIO()
            with style():
                labels: dict[Any, list[Any]] = {}
                known = {spec["name"]: spec for spec in self.spec["actors"]}
                for actor, spec in zip(self._actors, self.spec["actors"], strict=True):
                    ax = self._stage.axes(actor.on)
                    limits = ax.get_xlim(), ax.get_ylim()
                    others = [
                        at for at in self.kept
                        if any(at[k] != self.position[k] for k in spec.get("by", ()))
                    ]  # fmt: skip
                    frames = {"": [self.position], "last": self.kept[-1:], "others": others,
                              "earlier": self.kept[:-1]}  # fmt: skip
                    for at in frames.get(actor.kept, self.kept):
                        row = partial(self.row, position=at)
                        end = _end(known[actor.at], row, at) if isinstance(actor, Label) else None
                        drawn = actor.draw(ax, spec | {"end": end, "past": self.kept}, row, at)
                        artists += drawn
                        if isinstance(actor, Label):
                            labels.setdefault(ax, []).extend(drawn)
                    ax.set_xlim(limits[0])
                    ax.set_ylim(limits[1])
                for names in labels.values():
                    _push_apart(names)
                text, page = _caption(self._stage, self.sentences)
                artists.append(text)
                self._stage.figure.savefig(
                    out, format="png", dpi=dpi, facecolor="white", bbox_inches=page, pad_inches=0
                )
            for artist in artists:
                artist.remove()
            while len(_pictures) >= 16:
                _pictures.pop(next(iter(_pictures)))
            _pictures[key] = out.getvalue()
        return _pictures[key]

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live widget, and for readers without one the picture and the verdict."""
        bundle = {
            "text/plain": repr(self),
            "image/png": base64.b64encode(self.png()).decode(),
            "application/vnd.jupyter.widget-view+json": {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self.model_id,
            },
        }
        alt = _plain(" ".join([self.spec["alt"], *self.sentences])).strip()
        return bundle, {"image/png": {"alt": alt}}

    def to_html(
        self, path: str | FilePath | None = None, *, page: bool = True, script: bool = True
    ) -> str:
        """The scene as HTML that needs no kernel, no widget manager and no network.

        page: a whole document; False gives a fragment, for `IPython.display.HTML`.
        script: False leaves out the style sheet and the script, for a page that loads the two of
        `assets()` once for all of its scenes.
        path: also write it there.
        """
        state = {
            "spec": self.spec,
            "data": base64.b64encode(zlib.compress(self.data, 9)).decode(),
            "at": {c.name: getattr(self, c.name) for c in self._controls} | {"kept": self.kept},
            "answers": self._travelling(),
        }
        name = html.escape(self.spec["name"])
        said = html.escape(" ".join(self.sentences))
        text = (
            f'<div class="lrlesson-mount{" alone" if page else ""}"><noscript>{said}</noscript>'
            '<script type="application/json">'
            + json.dumps(state, ensure_ascii=False).replace("</", "<\\/")
            + "</script></div>\n"
        )
        if script:
            sheet, program = assets()
            text = f'<style>{sheet}</style>\n{text}<script type="module">\n{program}</script>\n'
        if page:
            text = (
                '<!doctype html>\n<html lang="en" class="lrlesson-page">\n<meta charset="utf-8">\n'
                '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
                f"<title>{name}</title>\n<body>\n<main>{text}</main>\n"
            )
        if path is not None:
            FilePath(path).write_text(text, encoding="utf-8")
        return text

    def _travelling(self) -> list[Spec]:
        """What Python would answer at each position of the control whose answers travel."""
        answers: list[Spec] = []
        for control in self._controls:
            if not control.travels or self._answer is None:
                continue
            for k in range(control.n):
                at = {c.name: getattr(self, c.name) for c in self._controls} | {control.name: k}
                if k != getattr(self, control.name):
                    at |= control.sets.get(k, {})
                values = {c.name: c.values[at[c.name]] for c in self._controls}
                actors, payload = self._actors, self._payload
                frames, data = self._pack(*self._answer(**values))
                self._actors, self._payload = actors, payload
                packed = base64.b64encode(zlib.compress(data, 9)).decode()
                answers.append({"frames": frames, "data": packed})
        return answers

    def close(self) -> None:
        """Close the widget, with the layout that ipywidgets made for it."""
        if self.comm is not None:
            self.layout.close()
        super().close()

    def _close_previous(self) -> None:
        """Close the scenes that an earlier run of the same notebook cell left behind."""
        cell, run = _running_cell()
        if cell:
            last, scenes = _live.get(cell, (run, []))
            if last != run:
                for scene in scenes:
                    scene.close()
                scenes = []
            _live[cell] = (run, [*scenes, self])


def assets() -> tuple[str, str]:
    """The style sheet and the script that bring every scene of a page to life.

    The script is a module or, with no line to change, a classic script: pages that were opened from
    a file may load the second kind only.
    """
    return _SHEET, _SCRIPT.replace("export default { render };", "mountAll();")


def _caption(stage: Stage, sentences: Sequence[str]) -> tuple[Artist, Bbox]:
    """The sentences as lines below a drawing, and the page, in inches, that holds both."""
    width, height = (side / 72 for side in stage.size)
    lines = [line for sentence in sentences
             for line in textwrap.wrap(_plain(sentence), int(12.5 * width))]  # fmt: skip
    text = stage.figure.text(
        0.1 / width, -0.08 / height, "\n".join(lines), va="top", size=10, linespacing=1.4,
        parse_math=False,
    )  # fmt: skip
    return text, Bbox([[0, -0.2 * len(lines) - 0.15], [width, height]])


def _end(spec: Spec, row: Any, at: Sequence[int]) -> tuple[float, float] | None:
    """Where a path has ended, or left its axes, or where a marker stands."""
    x, y = row(spec["x"]), row(spec["y"])
    n = len(x) if (passed := reached(spec, row, at)) is None else passed
    if "exit" in spec and (leaves := [float(row(ref)[0]) for ref in spec["exit"]])[3] < n:
        return leaves[0], leaves[1]
    with np.errstate(invalid="ignore"):
        inside = (np.abs(x[:n] - 0.5) <= 0.5001) & (np.abs(y[:n] - 0.5) <= 0.5001)
    k = np.flatnonzero(inside)
    return (float(x[k[-1]]), float(y[k[-1]])) if k.size else None


def _room_for_names(scene: str, stages: list[Spec], stage: Stage, actors: list[Spec]) -> None:
    """Refuse more names of lines in a panel than can stand 16 units apart."""
    for k, label in enumerate(stage.boxes):
        names = [spec for spec in actors if spec["kind"] == "label" and spec["ax"] == k]
        height = min(shape["boxes"][k][3] for shape in stages)
        if 16 * len(names) > height:
            raise ValueError(
                f"{scene}: axes '{label}': {len(names)} labels, expected at most "
                f"{int(height // 16)} in {height:.0f} units"
            )


def _push_apart(names: list[Any]) -> None:
    """Move the names of one panel's lines up and down until no two stand closer than 16 units."""
    at = [name.axes.bbox.height * (1 - name.xy[1]) for name in names]
    order = sorted(range(len(names)), key=at.__getitem__)
    for _ in range(8):
        for a, b in itertools.pairwise(order):
            if (lack := 16 - (at[b] - at[a])) > 0:
                at[a], at[b] = at[a] - lack / 2, at[b] + lack / 2
    for name, y in zip(names, at, strict=True):
        dx, dy = name.get_position()
        name.set_position((dx, dy + y - name.axes.bbox.height * (1 - name.xy[1])))


def _moves(pack: Pack, control: Control) -> dict[int, list[list[int]]]:
    """For the browser: at a position of a control, which others it moves, and where to."""
    moves: dict[int, list[list[int]]] = {}
    for position, others in control.sets.items():
        moves[position] = [[pack.control(control.name, name), at] for name, at in others.items()]
        for k, at in moves[position]:
            if not 0 <= at < pack.controls[k].n:
                raise ValueError(
                    f"{pack.scene}: control '{control.name}': sets '{pack.names[k]}' to {at}, "
                    f"expected 0 … {pack.controls[k].n - 1}"
                )
    return moves


def _when(pack: Pack, control: Control) -> list[list[Any]]:
    """For the browser: the other controls that this one depends on, and at which positions."""
    for name, positions in control.when.items():
        last = pack.controls[pack.control(control.name, name)].n - 1
        for at in positions:
            if not 0 <= at <= last:
                raise ValueError(
                    f"{pack.scene}: control '{control.name}': when '{name}' is at {at}, "
                    f"expected 0 … {last}"
                )
    return [[pack.names.index(name), list(at)] for name, at in control.when.items()]


def _plain(text: str) -> str:
    """Without the marks of indices and powers: λ_max, 2^{t}."""
    return re.sub(r"\^\{([^}]*)\}", r"^\1", text).replace("_", "")


def _running_cell() -> tuple[str, str]:
    """(id of the notebook cell that is running, id of this run); empty outside a notebook."""
    if "IPython" not in sys.modules:
        return "", ""
    shell = sys.modules["IPython"].get_ipython()
    parent: dict[str, Any] = getattr(shell, "get_parent", dict)() or {}
    cell = parent.get("metadata", {}).get("cellId", "")
    return cell, parent.get("header", {}).get("msg_id", "")
