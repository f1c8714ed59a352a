// A scene: controls on top, a sentence, and matplotlib's drawing in which the actors move.
// Every frame was computed in Python; here a position selects a row of numbers, and the only
// arithmetic is from fractions of an axes' box to the drawing's coordinates.

const SVG = "http://www.w3.org/2000/svg";
const NARROW = 560; // px: below it the second stage, in one column, is shown
const QUIET = 250; // ms without a change until the position is saved
const SPEAK = 600; // ms without a change until it is read out
const SILENCE = 4000; // ms until a question to Python counts as unanswered
const UNANSWERED = "Python has not answered: the figure still shows its last sweep. " +
  "Run the cell to go on.";
const ICON = { play: "M3 1.5v11l9-5.5z", pause: "M3 1.5h3v11H3zM8 1.5h3v11H8z" };
const SYMBOL = {
  // unit radius
  dot: "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0Z",
  ring: "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0Z",
  cross: "M-1-1L1 1M-1 1L1-1",
  square: "M-.9-.9H.9V.9H-.9Z",
  diamond: "M0-1.2L1.2 0L0 1.2L-1.2 0Z",
  arrow: "M-1-1.1L1.3 0L-1 1.1Z",
};

// ---- small helpers ---------------------------------------------------------------------------

function html(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function svg(tag, attributes = {}, parent = null) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  parent?.append(node);
  return node;
}

// "λ_max" and "2^{t}" read out
const plain = (text) => text.replace(/\^\{([^}]*)\}/g, "^$1").replaceAll("_", "");

function indexed(text, element) {
  // "λ_max" → λ with an index, "2^{t}" → 2 with a power, as text nodes
  return text.split(/(_[A-Za-z0-9]+|\^\{[^}]*\})/).map((part) => {
    if (!/^(_|\^\{)/.test(part)) return part;
    const index = element(part[0] === "_" ? "sub" : "sup");
    index.textContent = part[0] === "_" ? part.slice(1) : part.slice(2, -1);
    return index;
  });
}

const written = new WeakMap(); // what each node shows

function show(node, text) {
  if (written.get(node) === text) return;
  written.set(node, text);
  const parts = indexed(text, (tag) => html(tag)), old = node.childNodes;
  const alike = old.length === parts.length &&
    parts.every((part, k) => (part.nodeName ?? "#text") === old[k].nodeName);
  if (!alike) return node.replaceChildren(...parts);
  parts.forEach((part, k) => { // other letters in the same nodes: less to lay out
    const letters = old[k].firstChild ?? old[k], words = part.textContent ?? part;
    if (letters.data !== words) letters.data = words;
  });
}

function showInDrawing(node, text) {
  if (written.get(node) === text) return;
  written.set(node, text);
  let lowered = false;
  node.replaceChildren(
    ...text.split(/(_[A-Za-z0-9]+)/).filter(Boolean).map((part) => {
      const index = part.startsWith("_");
      const span = svg("tspan");
      span.textContent = index ? part.slice(1) : part;
      if (index) span.setAttribute("font-size", "74%");
      if (index !== lowered) span.setAttribute("dy", index ? "0.25em" : "-0.19em");
      lowered = index;
      return span;
    }),
  );
}

function longest(texts) {
  return texts.reduce((best, text) => (text.length > best.length ? text : best), "");
}

// ---- the stage -------------------------------------------------------------------------------

function parseStage(text) {
  const prefix = `lr${Math.random().toString(36).slice(2, 10)}-`; // ids are page-wide
  const parsed = new DOMParser().parseFromString(
    text.replaceAll("lrstage-", prefix), "image/svg+xml");
  const root = document.importNode(parsed.documentElement, true);
  for (const node of [root, ...root.querySelectorAll("*")]) {
    if (/^(script|style|foreignObject|iframe|a)$/i.test(node.localName)) node.remove();
    for (const { name, value } of [...node.attributes]) {
      const outside = /href$/i.test(name) && !/^(#|data:image\/png;base64,)/.test(value);
      if (/^on/i.test(name) || outside) node.removeAttribute(name);
    }
  }
  return { root, prefix };
}

// ---- actors: each builds its elements and returns what moves them ------------------------------

const ACTORS = {
  path(actor, box, layer, rows) {
    const look = { fill: "none", "stroke-linejoin": "round", "stroke-linecap": "round" };
    look.style = `stroke: ${actor.color}; stroke-opacity: ${actor.alpha}`;
    const line = svg("path", { ...look, "stroke-width": actor.width,
      "stroke-dasharray": actor.dash.join(" ") }, layer.clipped);
    const dots = actor.dots && svg("path", { ...look, "stroke-width": actor.dots.size,
      style: `stroke: ${actor.color}` }, layer.clipped);
    const ends = ["exit", "gap"].filter((key) => actor[key]).map((key) => [
      actor[key], symbol(key === "exit" ? "arrow" : "cross", 10, actor.color, layer.free)]);
    return () => {
      const x = rows.numbers(actor.x), y = rows.numbers(actor.y);
      const n = "upto" in actor ? rows.at[actor.upto] + 1 : x.length;
      let d = "", pen = "M";
      for (let k = 0; k < n; k++) {
        if (x[k] === x[k] && y[k] === y[k]) { // false for NaN: a gap
          d += `${pen}${box.x(x[k])} ${box.y(y[k])}`;
          pen = "L";
        } else pen = "M";
      }
      line.setAttribute("d", d);
      if (dots) {
        let spots = "";
        for (const k of rows.numbers(actor.dots)) {
          if (k < n) spots += `M${box.x(x[k])} ${box.y(y[k])}h0`;
        }
        dots.setAttribute("d", spots);
      }
      for (const [[ex, ey, angle, since], put] of ends) {
        const there = rows.numbers(since)[0] < n;
        put(there ? box.x(rows.numbers(ex)[0]) : NaN, box.y(rows.numbers(ey)[0]),
          rows.numbers(angle)[0]);
      }
    };
  },

  marker(actor, box, layer, rows) {
    const put = symbol(actor.shape, actor.size, actor.color, layer.free, actor.name);
    const inside = (w) => w >= -1e-4 && w <= 1.0001;
    return () => {
      const x = rows.numbers(actor.x)[0], y = rows.numbers(actor.y)[0];
      put(inside(x) && inside(y) ? box.x(x) : NaN, box.y(y), 0);
    };
  },

  vline(actor, box, layer, rows) {
    const line = svg("path", { fill: "none", "stroke-width": actor.width,
      "stroke-dasharray": actor.dash.join(" "), style: `stroke: ${actor.color}` }, layer.clipped);
    return () => {
      const x = rows.numbers(actor.x)[0];
      line.setAttribute("d", x === x ? `M${box.x(x)} ${box.y(0)}V${box.y(1)}` : "");
    };
  },

  hline(actor, box, layer, rows) {
    const line = svg("path", { fill: "none", "stroke-width": actor.width,
      "stroke-dasharray": actor.dash.join(" "), style: `stroke: ${actor.color}` }, layer.clipped);
    return () => {
      const y = rows.numbers(actor.y)[0];
      line.setAttribute("d", y === y ? `M${box.x(0)} ${box.y(y)}H${box.x(1)}` : "");
    };
  },

  dots(actor, box, layer, rows) {
    const spots = svg("path", { fill: "none", "stroke-linecap": "round", "stroke-width": actor.size,
      style: `stroke: ${actor.color}; stroke-opacity: ${actor.alpha}` }, layer.clipped);
    return () => {
      const x = rows.numbers(actor.x), y = rows.numbers(actor.y);
      let d = "";
      for (let k = 0; k < x.length; k++) {
        if (x[k] === x[k] && y[k] === y[k]) d += `M${box.x(x[k])} ${box.y(y[k])}h0`;
      }
      spots.setAttribute("d", d);
    };
  },

  bars(actor, box, layer, rows) {
    const bars = svg("path", { style: `fill: ${actor.color}; fill-opacity: ${actor.alpha}` },
      layer.clipped);
    return () => {
      const left = rows.numbers(actor.left), right = rows.numbers(actor.right);
      const top = rows.numbers(actor.y), base = box.y(rows.numbers(actor.base)[0]);
      let d = "";
      for (let k = 0; k < top.length; k++) {
        if (top[k] === top[k]) {
          d += `M${box.x(left[k])} ${base}V${box.y(top[k])}H${box.x(right[k])}V${base}Z`;
        }
      }
      bars.setAttribute("d", d);
    };
  },

  band(actor, box, layer, rows) {
    const area = svg("path", { style: `fill: ${actor.color}; fill-opacity: ${actor.alpha}` },
      layer.clipped);
    return () => {
      const x = rows.numbers(actor.x);
      const low = rows.numbers(actor.low), high = rows.numbers(actor.high);
      const whole = (k) => x[k] + low[k] + high[k] === x[k] + low[k] + high[k];
      let d = "";
      for (let from = 0, k = 0; k <= x.length; k++) { // each stretch without a gap by itself
        if (k < x.length && whole(k)) continue;
        for (let j = from; j < k; j++) {
          d += `${j === from ? "M" : "L"}${box.x(x[j])} ${box.y(high[j])}`;
        }
        for (let j = k - 1; j >= from; j--) d += `L${box.x(x[j])} ${box.y(low[j])}`;
        if (k > from) d += "Z";
        from = k + 1;
      }
      area.setAttribute("d", d);
    };
  },

  handle(actor, box, layer, rows) {
    const put = symbol("dot", actor.size, actor.color, layer.free, actor.name);
    // A larger target for the finger; the keyboard has the sliders that it moves.
    const grip = svg("circle", { r: 18, class: "lr-grip", "data-handle": actor.name }, layer.free);
    svg("title", {}, grip).append(actor.name); // shown where the mouse rests
    const kept = (w) => Math.min(1, Math.max(0, w));
    return () => {
      const x = box.x(kept(rows.numbers(actor.x)[0])), y = box.y(kept(rows.numbers(actor.y)[0]));
      put(x, y, 0);
      grip.setAttribute("transform", `translate(${x} ${y})`);
    };
  },

  text(actor, box, layer, rows) {
    const node = svg("text", { "text-anchor": actor.anchor, "font-size": actor.size,
      "font-weight": actor.bold ? 600 : 400, "dominant-baseline": "central",
      style: `fill: ${actor.color}` }, layer.free);
    return () => {
      const x = rows.numbers(actor.x)[0], y = rows.numbers(actor.y)[0];
      node.style.display = x === x && y === y ? "" : "none";
      node.setAttribute("transform",
        `translate(${+box.x(x) + actor.dx} ${+box.y(y) + actor.dy})`);
      showInDrawing(node, rows.string(actor.text));
    };
  },
};

function symbol(shape, size, color, parent, name = shape) {
  const r = size / 2;
  const open = shape === "cross";
  const ring = shape === "ring";
  const node = svg("path", { d: SYMBOL[shape], "data-symbol": name, "stroke-linecap": "round",
    "stroke-width": (open || ring ? 2.4 : 1.4) / r }, parent);
  node.style.fill = open ? "none" : ring ? "var(--lr-paper)" : color;
  node.style.stroke = open || ring ? color : "var(--lr-paper)";
  return (x, y, angle) => {
    const shown = x === x && y === y;
    node.style.display = shown ? "" : "none";
    if (shown) {
      node.setAttribute("transform",
        `translate(${x} ${y}) rotate(${angle || 0}) scale(${r})`);
    }
  };
}

// Dragging a handle moves the sliders it is tied to, each to the position nearest the pointer.
function listenToDrags(root, spec, boxes, rows, move) {
  let held = "";
  const drag = (event) => {
    const actor = spec.actors.find((known) => known.name === held);
    if (!actor) return;
    const at = new DOMPoint(event.clientX, event.clientY)
      .matrixTransform(root.getScreenCTM().inverse());
    const to = boxes[actor.ax].fractions(at);
    move(actor.pulls.map(([control, axis]) => {
      const table = rows.table(actor[axis]);
      let best = 0;
      table.forEach((w, k) => {
        if (Math.abs(w - to[axis]) < Math.abs(table[best] - to[axis])) best = k;
      });
      return [control, best];
    }));
  };
  root.addEventListener("pointerdown", (event) => {
    held = event.target.dataset?.handle ?? "";
    if (!held) return;
    event.preventDefault();
    root.setPointerCapture(event.pointerId);
    root.classList.add("lr-held");
  });
  root.addEventListener("pointermove", (event) => { if (held) drag(event); });
  for (const end of ["pointerup", "pointercancel"]) {
    root.addEventListener(end, () => { held = ""; root.classList.remove("lr-held"); });
  }
}

function buildStage(stage, spec, rows, past, move) {
  const { root, prefix } = parseStage(stage.svg);
  root.setAttribute("role", "img");
  root.style.maxWidth = `${Math.round(stage.size[0] * 1.4)}px`;
  const boxes = stage.boxes.map(([left, top, width, height]) => ({
    x: (u) => (left + u * width).toFixed(2),
    y: (v) => (top + v * height).toFixed(2),
    fractions: (at) => ({ x: (at.x - left) / width, y: (at.y - top) / height }),
  }));
  const defs = svg("defs", {}, root);
  stage.boxes.forEach(([x, y, width, height], k) =>
    svg("rect", { x, y, width, height }, svg("clipPath", { id: `${prefix}box${k}` }, defs)));
  const layer = svg("g", { class: "lr-actors" }, root);
  let updates = [];
  const cast = () => {
    layer.replaceChildren();
    updates = spec.actors.flatMap((actor) => {
      const group = svg("g", { "data-actor": actor.name }, layer);
      const clipped = svg("g", { "clip-path": `url(#${prefix}box${actor.ax})` }, group);
      const parents = { clipped, free: svg("g", {}, group) };
      const frames = { "": [rows], each: past(), last: past().slice(-1) }[actor.kept];
      return frames.map((frame) => ACTORS[actor.kind](actor, boxes[actor.ax], parents, frame));
    });
  };
  cast();
  listenToDrags(root, spec, boxes, rows, move);
  return { root, cast, draw: () => updates.forEach((update) => update()) };
}

// ---- controls --------------------------------------------------------------------------------

let count = 0;
const KEYS = { "data-lm-suppress-shortcuts": "true" }; // else JupyterLab takes the arrow keys

const CONTROLS = {
  slider(control, move) {
    const id = `lr-input-${Date.now().toString(36)}-${++count}`;
    const input = html("input", { type: "range", id, min: 0, max: control.n - 1, step: 1, ...KEYS });
    const rail = html("div", { class: "lr-rail" }, input);
    for (const mark of control.marks ?? []) {
      rail.classList.add("lr-marked");
      const node = html("span", { class: "lr-mark", style: `--at: ${mark.at}` });
      show(node, mark.label);
      rail.append(node);
    }
    const ghost = html("span", { class: "lr-ghost", "aria-hidden": "true" });
    const value = html("span", { "aria-hidden": "true" }); // read out as aria-valuetext
    show(ghost, longest(control.text));
    const label = html("label", { for: id }, ...indexed(control.label, (tag) => html(tag)));
    const root = html("div", { class: "lr-control lr-slider" },
      label, rail, html("span", { class: "lr-value" }, ghost, value));
    input.addEventListener("input", () => move(+input.value));
    const set = (at) => {
      if (+input.value !== at) input.value = at;
      input.style.setProperty("--at", control.n > 1 ? at / (control.n - 1) : 0);
      input.setAttribute("aria-valuetext", plain(control.text[at]));
      show(value, control.text[at]);
    };
    return { root, set, input };
  },

  steps(control, move, now) {
    const built = CONTROLS.slider(control, (at) => { stop(); move(at); });
    built.root.classList.replace("lr-slider", "lr-steps");
    const icon = svg("path");
    const drawing = svg("svg", { viewBox: "0 0 14 14", "aria-hidden": "true" });
    drawing.append(icon);
    const button = html("button", { type: "button", class: "lr-play", ...KEYS }, drawing);
    built.root.insertBefore(button, built.root.children[1]);
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    let frame = 0;
    const face = () => {
      icon.setAttribute("d", frame ? ICON.pause : ICON.play);
      button.setAttribute("aria-label", `${frame ? "pause" : "play"}: ${control.label}`);
    };
    const speed = html("select", { "aria-label": `speed: ${control.label}`, ...KEYS },
      ...[0.25, 0.5, 1, 2, 4].map((times) => html("option", { value: times }, `${times}×`)));
    speed.value = 1;
    built.root.append(speed);
    const stop = () => { cancelAnimationFrame(frame); frame = 0; face(); };
    button.addEventListener("click", () => {
      if (frame) return stop();
      const last = control.n - 1;
      // With reduced motion: ten calm jumps instead of an animation.
      const pace = () => {
        const rate = control.rate * speed.value;
        const stride = calm.matches ? Math.ceil(last / 10) : Math.ceil(rate / 30);
        return { stride, period: calm.matches ? 900 / speed.value : (1000 * stride) / rate };
      };
      let due = performance.now() + pace().period;
      if (now() >= last) move(0);
      const tick = (time) => {
        if (time >= due) {
          const { stride, period } = pace();
          due = Math.max(due + period, time);
          move(Math.min(last, now() + stride));
          if (now() >= last) return stop();
        }
        frame = requestAnimationFrame(tick);
      };
      frame = requestAnimationFrame(tick);
      face();
    });
    face();
    return { ...built, stop };
  },

  choice(control, move) {
    const group = `lr-group-${Date.now().toString(36)}-${++count}`;
    const inputs = control.text.map((_, k) => {
      const input = html("input", { type: "radio", name: group, value: k, ...KEYS });
      input.addEventListener("change", () => move(k));
      return input;
    });
    const options = inputs.map((input, k) => html("label", {}, input,
      ...indexed(control.text[k], (tag) => html(tag))));
    const root = html("fieldset", { class: "lr-control lr-choice" },
      html("legend", {}, control.label), html("div", { class: "lr-options" }, ...options));
    return { root, set: (at) => { inputs[at].checked = true; }, input: inputs[0] };
  },

  answers(control, move) {
    const buttons = control.text.slice(1).map((text, k) => {
      const button = html("button", { type: "button", class: "lr-push", ...KEYS },
        ...indexed(text, (tag) => html(tag)));
      button.addEventListener("click", () => move(k + 1));
      return button;
    });
    const root = html("fieldset", { class: "lr-control lr-choice" },
      html("legend", {}, control.label), html("div", { class: "lr-options" }, ...buttons));
    const set = (at) => buttons.forEach((button, k) => {
      button.setAttribute("aria-pressed", k + 1 === at);
    });
    return { root, set, input: buttons[0] };
  },

  switch(control, move) {
    const input = html("input", { type: "checkbox", role: "switch", ...KEYS });
    input.addEventListener("change", () => move(+input.checked));
    const root = html("div", { class: "lr-control lr-switch" },
      html("label", {}, input, control.label));
    return { root, set: (at) => { input.checked = at === 1; }, input };
  },

  button(control, move, now) {
    const button = html("button", { type: "button", class: "lr-push", ...KEYS }, control.label);
    button.addEventListener("click", () => move(now() + 1 < control.n ? now() + 1 : control.then));
    const root = html("div", { class: "lr-control lr-pushes" }, button);
    return { root, set: () => {}, input: button };
  },
};

// ---- sentences -------------------------------------------------------------------------------

function wording(part, rows, past) {
  if (part.strings) return rows.string(part);
  if (part.total) return past.reduce((sum, frame) => sum + frame.numbers(part.total)[0], 0);
  if (!part.least) return part;
  const size = (option) => rows.numbers(option.number)[0];
  const known = part.least.filter((option) => size(option) === size(option)); // not NaN
  const [first = part.least[0], ...others] = known;
  return rows.string(others.reduce((a, b) => (size(b) < size(a) ? b : a), first).text);
}

function buildSay(say, k) {
  const badge = say.badge && html("span", { class: "lr-badge" });
  const text = html("span");
  const now = html("span", {}, ...(badge ? [badge, " "] : []), text);
  // An invisible copy of the longest sentence keeps the height, so the figure never jumps.
  const ghostText = html("span");
  const fit = () => {
    const parts = say.parts.map((part) => longest(
      part.least ? part.least.flatMap(({ text }) => text.strings) : part.strings ?? [part]));
    show(ghostText, longest([written.get(ghostText) ?? "", say.room ?? "", parts.join("")]));
  };
  fit();
  const ghost = html("span", { class: "lr-ghost", "aria-hidden": "true" });
  if (badge) ghost.append(html("span", { class: "lr-badge" }, longest(say.badge.strings)), " ");
  ghost.append(ghostText);
  const root = html("p", { class: `lr-said ${!k ? "lr-verdict" : say.large ? "lr-large" : "lr-note"}` }, ghost, now);
  const draw = (current, past) => {
    const rows = say.kept && past.length ? past.at(-1) : current;
    const words = say.parts.map((part) => wording(part, rows, past)).join("");
    show(text, words);
    if (!badge) return words;
    show(badge, rows.string(say.badge));
    badge.dataset.tone = rows.string(say.tone);
    const word = rows.string(say.badge);
    return `${word}${word.endsWith("?") ? "" : ":"} ${words}`;
  };
  return { root, draw, fit };
}

// ---- the scene -------------------------------------------------------------------------------

function render({ model, el }) {
  const spec = structuredClone({ ...model.get("spec"), ...model.get("frames") });
  const unpack = (bytes) => new Float32Array( // a copy: the offset need not be a multiple of four
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  let data = unpack(model.get("data"));
  const at = spec.controls.map((control) => model.get(control.name));
  const frame = (at) => {
    const index = (ref) => ref.by.reduce((k, axis) => k * spec.controls[axis].n + at[axis], 0);
    return {
      at,
      numbers(ref) {
        const start = ref.o + index(ref) * ref.n;
        return data.subarray(start, start + ref.n);
      },
      table: (ref) => data.subarray(ref.o, ref.o + spec.controls[ref.by[0]].n),
      string: (ref) => ref.strings[index(ref)],
    };
  };
  const rows = frame(at);
  let kept = model.get("kept"); // positions of all controls, as they were when kept
  const past = () => kept.map(frame);

  const said = spec.say.map((say, k) => buildSay(say, k));
  const unanswered = html("p", { class: "lr-said lr-unanswered", hidden: "" }, UNANSWERED);
  const live = html("div", { class: "lr-live", role: "status", "aria-live": "polite" });
  const holder = html("div", { class: "lr-stage" });
  let stage = null, shown = -1, wide = 0, saving = 0, speaking = 0, waiting = 0;

  const draw = () => {
    stage.draw();
    const words = said.map((sentence) => sentence.draw(rows, past()));
    clearTimeout(speaking);
    speaking = setTimeout(() => {
      const heard = plain(words.join(" "));
      stage.root.setAttribute("aria-label", `${plain(spec.alt)} ${heard}`.trim());
      if (live.dataset.armed) live.textContent = heard;
      live.dataset.armed = "true"; // the first sentence is on the page already: not read out
    }, SPEAK);
  };
  const fit = (width) => {
    const wanted = width && width < NARROW && spec.stages.length > 1 ? 1 : 0;
    if (wanted === shown) return;
    shown = wanted;
    stage = buildStage(spec.stages[wanted], spec, rows, past, move);
    stage.root.setAttribute("aria-label", plain(spec.alt));
    holder.replaceChildren(stage.root);
    draw();
  };
  const place = (changes) => {
    for (const [k, position] of changes) {
      at[k] = position;
      controls[k].set(position);
    }
    dress();
    draw();
  };
  const save = () => {
    clearTimeout(saving);
    saving = 0;
    spec.controls.forEach((control, k) => model.set(control.name, at[k]));
    model.save_changes();
  };
  const recall = (positions) => {
    if (positions === kept) return;
    kept = positions;
    stage.cast();
  };
  const keep = (changes) => {
    const { on, once } = spec.keep;
    const then = at.map((position, k) => new Map(changes).get(k) ?? position);
    const before = kept.find((entry) => once < 0 || entry[once] === then[once]);
    if (once >= 0 && then[once] !== at[once]) return changes.push([on, before?.[on] ?? 0]);
    if (then[on] === at[on] || (once >= 0 && (before || !then[on]))) return;
    recall(then[on] ? [...kept, then] : []); // a button back at its first position starts again
    model.set("kept", kept);
  };
  const move = (wanted) => {
    const all = wanted.flatMap(([k, to]) => [[k, to], ...(spec.controls[k].sets?.[to] ?? [])]);
    const changes = all.filter(([k, position]) => position !== at[k]);
    if (!changes.length) return;
    if (spec.keep) keep(changes);
    place(changes); // drawn at once; saved when the hand rests, or at once where Python answers
    for (const [k, position] of changes) model.set(spec.controls[k].name, position);
    clearTimeout(saving);
    if (!changes.some(([k]) => spec.controls[k].ask)) {
      saving = setTimeout(save, QUIET);
      return;
    }
    save();
    if (!waiting) waiting = setTimeout(() => { unanswered.hidden = false; }, model.alone ? 0 : SILENCE);
  };
  const controls = spec.controls.map((control, k) => CONTROLS[control.kind](
    control, (position) => move([[k, position]]), () => at[k]));
  const panel = html("div", { class: "lr-controls" }, ...controls.map((control) => control.root));
  const dependent = spec.controls.some((control) => control.when?.length);
  const dress = () => dependent && spec.controls.forEach((control, k) => {
    const idle = !control.when.every(([other, positions]) => positions.includes(at[other]));
    if (controls[k].root.hidden !== idle) controls[k].root.hidden = idle;
  });
  const reserve = () => { // the height of the most controls at once, so that the figure stays
    const heights = [];
    panel.style.minHeight = "";
    for (const k of new Set(spec.controls.flatMap(({ when }) => when.map(([other]) => other)))) {
      const here = at[k];
      for (at[k] = 0; at[k] < spec.controls[k].n; at[k]++) {
        dress();
        heights.push(panel.offsetHeight);
      }
      at[k] = here;
    }
    dress();
    panel.style.minHeight = `${Math.max(...heights)}px`;
  };

  const listeners = spec.controls.map((control, k) => {
    const listener = () => {
      const position = model.get(control.name);
      // While the hand moves it is right: a slow kernel may still repeat what was saved before.
      if (position !== at[k] && !saving) place([[k, position]]);
    };
    model.on(`change:${control.name}`, listener);
    return () => model.off(`change:${control.name}`, listener);
  });
  const answered = () => { // a new sweep from Python: other arrays and sentences, the same stage
    clearTimeout(waiting);
    waiting = 0;
    unanswered.hidden = true;
    const fresh = structuredClone(model.get("frames"));
    data = unpack(model.get("data"));
    spec.actors = fresh.actors;
    fresh.say.forEach((say, k) => { Object.assign(spec.say[k], say); said[k].fit(); });
    stage.cast();
    draw();
  };
  const recalled = () => { recall(model.get("kept")); draw(); };
  for (const [event, listener] of [["change:frames", answered], ["change:kept", recalled]]) {
    model.on(event, listener);
    listeners.push(() => model.off(event, listener));
  }

  const root = html("section", { class: "lrlesson-scene", "aria-label": spec.name },
    panel, ...said.map((sentence) => sentence.root), live, holder, unanswered);
  el.append(root);
  fit(el.clientWidth);
  controls.forEach((control, k) => control.set(at[k]));
  if (dependent) reserve();
  const observer = new ResizeObserver(([{ contentRect: { width } }]) => {
    fit(width);
    if (dependent && width !== wide) reserve();
    wide = width;
  });
  observer.observe(root);

  return () => {
    observer.disconnect();
    listeners.forEach((forget) => forget());
    controls.forEach((control) => control.stop?.());
    clearTimeout(speaking);
    clearTimeout(waiting);
    if (saving) save();
    root.remove();
  };
}

// ---- without a notebook: the same scene from the state written into the page -------------------

async function mountAll() {
  for (const el of document.querySelectorAll(".lrlesson-mount:not([data-alive])")) {
    el.dataset.alive = "true";
    const state = JSON.parse(el.querySelector("script").textContent);
    const packed = new Response(Uint8Array.from(atob(state.data), (c) => c.charCodeAt(0))).body;
    const data = await new Response(packed.pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
    const values = { ...state.at, spec: state.spec, data: new DataView(data) };
    el.replaceChildren();
    const model = { get: (name) => values[name], set: (name, value) => { values[name] = value; } };
    render({ el, model: { ...model, alone: true, on() {}, off() {}, save_changes() {} } });
    if (el.classList.contains("alone")) el.firstChild.classList.add("alone");
  }
}

export default { render };
