// A scene: controls on top, a sentence, and matplotlib's drawing in which the actors move.
// Every frame was computed in Python; here a position selects a row of numbers, and the only
// arithmetic is from fractions of an axes' box to the drawing's coordinates.

const SVG = "http://www.w3.org/2000/svg";
const NARROW = 640; // px: below it the second stage, in one column, is shown
const QUIET = 250; // ms without a change until the position is saved
const SPEAK = 600; // ms without a change until it is read out
const APART = 18; // units between two names, at least
const ICON = { play: "M3 1.5v11l9-5.5z", pause: "M3 1.5h3v11H3zM8 1.5h3v11H8z",
  next: "M2 1.5v11l7-5.5zM10 1.5h2v11h-2z" };
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
  let lowered = false, fresh = false;
  node.replaceChildren(
    ...text.split(/(_[A-Za-z0-9]+|\n)/).filter(Boolean).flatMap((part) => {
      if (part === "\n") {
        fresh = true;
        return [];
      }
      const index = part.startsWith("_");
      const span = svg("tspan");
      span.textContent = index ? part.slice(1) : part;
      if (index) span.setAttribute("font-size", "74%");
      if (fresh) {
        span.setAttribute("x", 0);
        span.setAttribute("dy", "1.3em");
      } else if (index !== lowered) span.setAttribute("dy", index ? "0.25em" : "-0.19em");
      lowered = index;
      fresh = false;
      return [span];
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
// The colour of an actor is the variable --c of its group. `layer` has the groups that it draws in,
// the places where lines have ended (`ends`), and the names to be pushed apart (`names`).

const INK = "stroke: var(--c)";
const PAPER = "stroke: var(--lr-paper)";
const finite = (x, y) => x === x && y === y; // false for NaN: a gap

function line(parent, { width, dash = [], alpha = 1 }, style = INK) {
  return svg("path", { fill: "none", "stroke-linejoin": "round", "stroke-linecap": "round",
    "stroke-width": width, "stroke-dasharray": dash.join(" "),
    style: `${style}; stroke-opacity: ${alpha}` }, parent);
}

function cased(parent, look, casing) { // one line, or two on top of each other
  const lines = casing ? [line(parent, { width: look.width + casing, alpha: look.alpha }, PAPER)] : [];
  lines.push(line(parent, look));
  return (d) => lines.forEach((node) => node.setAttribute("d", d));
}

function filled(parent, width) {
  const node = svg("path", { "stroke-width": width, style: `${PAPER}; fill: var(--c)` }, parent);
  return (d) => node.setAttribute("d", d && `${d}Z`);
}

function leaving(x, y, n, box) { // where a line leaves its box for good: place, way, and point
  let k = n;
  while (k > 0 && !box.holds(x[k - 1], y[k - 1])) k--;
  if (k > 0 && k < n && finite(x[k], y[k])) {
    const from = [x[k - 1], y[k - 1]], step = [x[k] - from[0], y[k] - from[1]];
    const reach = step.map((s, j) => (s > 0 ? (1 - from[j]) / s : s < 0 ? -from[j] / s : Infinity));
    const side = reach[1] < reach[0] ? 1 : 0;
    const [u, v] = from.map((p, j) => Math.min(1, Math.max(0, p + reach[side] * step[j])));
    return [u, v, side ? (step[1] > 0 ? 90 : 270) : step[0] > 0 ? 0 : 180, k + 1];
  }
  return [NaN, NaN, 0, n];
}

const ACTORS = {
  path(actor, box, layer, rows) {
    const draw = actor.fill ? filled(layer.clipped, actor.width)
      : cased(layer.clipped, actor, actor.casing);
    const out = actor.leaves && symbol("arrow", 12, layer.free);
    const dots = actor.dots && line(layer.clipped, { width: actor.dots.size });
    const ends = ["exit", "gap"].filter((key) => actor[key]).map((key) => [
      actor[key], symbol(key === "exit" ? "arrow" : "cross", 12, layer.free)]);
    return () => {
      const x = rows.numbers(actor.x), y = rows.numbers(actor.y);
      const [all, part] = rows.reach(actor, x.length);
      const left = out ? leaving(x, y, all, box) : [NaN, NaN, 0, all], n = left[3];
      let d = "", pen = "M", end = null;
      const to = (u, v) => {
        d += `${pen}${box.x(u)} ${box.y(v)}`;
        pen = "L";
        if (box.holds(u, v)) end = { x: u, y: v };
      };
      for (let k = 0; k < n; k++) {
        if (finite(x[k], y[k])) to(x[k], y[k]);
        else pen = "M";
      }
      if (part && pen === "L" && finite(x[n], y[n])) {
        to(x[n - 1] + part * (x[n] - x[n - 1]), y[n - 1] + part * (y[n] - y[n - 1]));
      }
      draw(d);
      if (dots) {
        let spots = "";
        for (const k of rows.numbers(actor.dots)) {
          if (k < n) spots += `M${box.x(x[k])} ${box.y(y[k])}h0`;
        }
        dots.setAttribute("d", spots);
      }
      for (const [[ex, ey, angle, since], put] of ends) {
        const there = rows.numbers(since)[0] < n;
        const [u, v] = [rows.numbers(ex)[0], rows.numbers(ey)[0]];
        put(there ? box.x(u) : NaN, box.y(v), rows.numbers(angle)[0]);
        if (there) end = { x: u, y: v };
      }
      if (out) out(box.x(left[0]), box.y(left[1]), left[2]);
      if (left[0] === left[0]) end = { x: left[0], y: left[1] };
      layer.ends.set(actor.name, end);
    };
  },

  label(actor, box, layer, rows) {
    const node = svg("g", {}, layer.free);
    const look = { "text-anchor": actor.anchor, "dominant-baseline": "central" };
    const name = svg("text", { ...look, "font-size": actor.size, style: "fill: var(--c)",
      "font-weight": actor.bold ? 600 : 400 }, node);
    const more = svg("text", { ...look, "font-size": 12.5, style: "fill: var(--lr-muted)" }, node);
    return () => {
      const end = layer.ends.get(actor.at), text = rows.string(actor.text);
      node.style.display = end && text ? "" : "none";
      if (!end || !text) return;
      const about = rows.string(actor.note);
      showInDrawing(name, text);
      showInDrawing(more, about);
      const wide = Math.max(width(name, text), about && width(more, about));
      const left = { start: 0, middle: -wide / 2, end: -wide }[actor.anchor];
      const x = +box.x(end.x) + actor.dx, over = x + left + wide - layer.size[0];
      const y = +box.y(end.y) + actor.dy - (over > 4 ? 15 : 0);
      const inside = Math.max(x - Math.max(0, over), box.left - left);
      layer.names.push({ x: inside, y, left, wide, tall: about ? 33 : APART,
        box: actor.ax, node, more });
    };
  },

  trail(actor, box, layer, rows) {
    const ages = Array.from({ length: actor.last }, (_, age) => cased(layer.clipped, {
      width: actor.width, alpha: actor.alpha * (1 - age / actor.last) }, actor.casing));
    return () => {
      let [tx, ty] = [actor.x, actor.y].map((ref) => rows.numbers(ref));
      ages.forEach((draw, age) => {
        let d = "";
        if (rows.at[actor.upto] > age) {
          const [x, y] = [actor.x, actor.y].map((ref) => rows.earlier(actor.upto, age + 1, ref));
          for (let k = 0; k < x.length; k++) {
            if (!finite(x[k] + tx[k], y[k] + ty[k])) continue;
            d += `M${box.x(x[k])} ${box.y(y[k])}L${box.x(tx[k])} ${box.y(ty[k])}`;
          }
          [tx, ty] = [x, y];
        }
        draw(d);
      });
    };
  },

  marker(actor, box, layer, rows) {
    const put = symbol(actor.shape, actor.size, layer.free, actor.name);
    return () => {
      const x = rows.numbers(actor.x)[0], y = rows.numbers(actor.y)[0];
      const end = box.holds(x, y) ? { x, y } : null;
      put(end ? box.x(x) : NaN, box.y(y), 0);
      layer.ends.set(actor.name, end);
    };
  },

  vline(actor, box, layer, rows) {
    const node = line(layer.clipped, actor);
    return () => {
      const x = rows.numbers(actor.x)[0];
      node.setAttribute("d", x === x ? `M${box.x(x)} ${box.y(0)}V${box.y(1)}` : "");
    };
  },

  hline(actor, box, layer, rows) {
    const node = line(layer.clipped, actor);
    return () => {
      const y = rows.numbers(actor.y)[0];
      node.setAttribute("d", y === y ? `M${box.x(0)} ${box.y(y)}H${box.x(1)}` : "");
    };
  },

  dots(actor, box, layer, rows) {
    const draw = cased(layer.clipped, { width: actor.size, alpha: actor.alpha }, 2 * actor.rim);
    return () => {
      const x = rows.numbers(actor.x), y = rows.numbers(actor.y);
      let d = "";
      for (let k = 0; k < x.length; k++) {
        if (finite(x[k], y[k])) d += `M${box.x(x[k])} ${box.y(y[k])}h0`;
      }
      draw(d);
    };
  },

  bars(actor, box, layer, rows) {
    const bars = svg("path", { style: `fill: var(--c); fill-opacity: ${actor.alpha}` },
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
    const areas = [svg("path", { style: `fill: var(--c); fill-opacity: ${actor.alpha}` },
      layer.clipped)];
    if (actor.hatch) areas.push(svg("path", { style: `fill: ${layer.hatch}; opacity: 0.3` },
      layer.clipped));
    return () => {
      const x = rows.numbers(actor.x);
      const low = rows.numbers(actor.low), high = rows.numbers(actor.high);
      const whole = (k) => finite(x[k] + low[k], high[k]);
      let d = "";
      const [n] = rows.reach(actor, x.length);
      for (let from = 0, k = 0; k <= n; k++) { // each stretch without a gap by itself
        if (k < n && whole(k)) continue;
        for (let j = from; j < k; j++) {
          d += `${j === from ? "M" : "L"}${box.x(x[j])} ${box.y(high[j])}`;
        }
        for (let j = k - 1; j >= from; j--) d += `L${box.x(x[j])} ${box.y(low[j])}`;
        if (k > from) d += "Z";
        from = k + 1;
      }
      areas.forEach((area) => area.setAttribute("d", d));
    };
  },

  handle(actor, box, layer, rows) {
    const put = symbol("dot", actor.size, layer.free, actor.name);
    // A larger target for the finger; the keyboard has the sliders that it moves.
    const grip = svg("circle", { r: 18, class: "lr-grip", "data-handle": actor.name }, layer.free);
    svg("title", {}, grip).append(actor.name); // shown where the mouse rests
    const kept = (w) => Math.min(1, Math.max(0, w));
    return () => {
      const u = kept(rows.numbers(actor.x)[0]), v = kept(rows.numbers(actor.y)[0]);
      put(box.x(u), box.y(v), 0);
      grip.setAttribute("transform", `translate(${box.x(u)} ${box.y(v)})`);
      layer.ends.set(actor.name, { x: u, y: v });
    };
  },

  text(actor, box, layer, rows) {
    const leader = actor.leader && line(layer.free, { width: 1 }, "stroke: var(--lr-ink)");
    const node = svg("text", { "text-anchor": actor.anchor, "font-size": actor.size,
      "font-weight": actor.bold ? 600 : 400, "dominant-baseline": "central",
      style: "fill: var(--c)" }, layer.free);
    return () => {
      const x = rows.numbers(actor.x)[0], y = rows.numbers(actor.y)[0];
      const shown = finite(x, y);
      node.style.display = shown ? "" : "none";
      if (leader) leader.setAttribute("d", "");
      if (!shown) return;
      const [u, v] = [+box.x(x), +box.y(y)];
      node.setAttribute("transform", `translate(${u + actor.dx} ${v + actor.dy})`);
      const text = rows.string(actor.text);
      showInDrawing(node, text);
      if (!leader || !text) return;
      const side = actor.anchor === "middle" ? 0 : actor.anchor === "end" ? 4 : -4;
      const drop = actor.anchor === "middle" ? -10 * Math.sign(actor.dy) : 0;
      leader.setAttribute("d", `M${u} ${v}L${u + actor.dx + side} ${v + actor.dy + drop}`);
    };
  },

  sprites(actor, box, layer, rows) {
    const s = actor.size, y = +box.y(actor.y);
    // Where a narrow page leaves no room between them, every second one is shown.
    const every = box.x(actor.x[1] ?? 1) - box.x(actor.x[0]) < 1.1 * s ? 2 : 1;
    const places = actor.images.map((image, k) => ({ image, k })).filter(({ k }) => k % every === 0);
    places.forEach((place) => {
      const { image, k } = place;
      const x = +box.x(actor.x[k]);
      const tint = svg("rect", { x: x - s / 2 - 3, y: y - s / 2 - 2, width: s + 6, height: s + 22,
        rx: 5, class: "lr-tint" }, layer.free);
      const picture = svg("use", { href: layer.sprite(image), x: x - s / 2, y: y - s / 2,
        width: s, height: s, class: "lr-sprite" }, layer.free);
      const word = svg("text", { x, y: y + s / 2 + 10, "text-anchor": "middle", "font-size": 14,
        "dominant-baseline": "central" }, layer.free);
      const struck = line(layer.free, { width: 1.3 }, "stroke: var(--lr-muted)");
      struck.setAttribute("d", `M${x - 6} ${y + s / 2 + 10}h12`);
      Object.assign(place, { tint, picture, word, struck, said: "" });
    });
    return () => {
      const said = rows.string(actor.said);
      places.forEach((place) => {
        const { k } = place;
        if (place.said === said[k]) return;
        place.said = said[k];
        const right = said[k] === actor.right[k], nothing = said[k] === "–";
        place.tint.style.display = right ? "" : "none";
        place.picture.style.opacity = right ? 1 : nothing ? 0.18 : 0.42;
        place.word.textContent = said[k];
        place.word.style.fill = right ? "var(--c)" : "var(--lr-muted)";
        place.word.setAttribute("font-weight", right ? 600 : 400);
        place.struck.style.display = right || nothing ? "none" : "";
      });
    };
  },

  cells(actor, box, layer, rows, past) {
    const sides = rows.numbers({ ...actor.boxes, n: 4 * actor.text.length });
    const heights = { ...actor.curves, n: actor.curves.n * actor.lines * actor.text.length };
    const curves = rows.numbers(heights);
    const cells = actor.text.map((text, k) => {
      const [u0, u1, v0, v1] = sides.subarray(4 * k, 4 * k + 4);
      const [x, y] = [+box.x(u0), +box.y(Math.min(v0, v1))];
      const wide = +box.x(u1) - x, tall = Math.abs(box.y(v1) - box.y(v0));
      const place = { x, y, width: wide, height: tall, rx: 2 };
      const cover = svg("g", {}, layer.free), open = svg("g", {}, layer.free);
      open.style.setProperty("--c", actor.role[k]);
      const middle = { "text-anchor": "middle", "dominant-baseline": "central" };
      svg("rect", { ...place, style: "fill: var(--lr-wash)" }, cover);
      svg("text", { ...middle, x: x + wide / 2, y: y + tall / 2, "font-size": 13,
        style: "fill: var(--lr-muted)" }, cover).append("?");
      svg("rect", { ...place, style: `fill: ${actor.tint[k]}` }, open);
      if (actor.hatch[k]) svg("rect", { ...place, style: `fill: ${layer.hatch}; opacity: 0.3` }, open);
      let d = "";
      const n = actor.curves.n;
      for (let row = 0; row < actor.lines; row++) {
        let pen = "M";
        for (let j = 0; j < n; j++) {
          const h = curves[(k * actor.lines + row) * n + j];
          if (h !== h) { pen = "M"; continue; }
          d += `${pen}${(x + 3 + (wide - 6) * j / (n - 1)).toFixed(1)} ${(y + tall * (1 - h)).toFixed(1)}`;
          pen = "L";
        }
      }
      line(open, { width: 1 }).setAttribute("d", d);
      svg("text", { x: x + wide - 5, y: y + 11, "text-anchor": "end", "font-size": 12,
        "font-weight": 600, "dominant-baseline": "central", style: "fill: var(--c)" }, open)
        .append(text);
      return { cover, open };
    });
    const chosen = svg("rect", { rx: 3, fill: "none", "stroke-width": 3, style: INK }, layer.free);
    const index = (at) => actor.visits.reduce((k, axis, j) => k * actor.sizes[j] + at[axis], 0);
    return () => {
      const here = index(rows.at), every = actor.all >= 0 && rows.at[actor.all] > 0;
      const seen = new Set([here, ...past().map((frame) => index(frame.at))]);
      cells.forEach(({ cover, open }, k) => {
        const shown = every || seen.has(k);
        cover.style.display = shown ? "none" : "";
        open.style.display = shown ? "" : "none";
      });
      for (const key of ["x", "y", "width", "height"]) {
        chosen.setAttribute(key, cells[here].cover.firstChild.getAttribute(key));
      }
    };
  },
};

const widths = new Map(); // of a text, whatever its digits: they are all of the same width

function width(node, text) {
  const key = `${node.getAttribute("font-size")} ${text.replace(/\d/g, "0")}`;
  if (!widths.has(key)) widths.set(key, node.getComputedTextLength());
  return widths.get(key);
}

// Names of the same panel move up and down until none covers another, and stay in the drawing.
function pushApart(names, boxes, size) {
  names.sort((a, b) => a.y - b.y);
  const meet = (a, b) => a.box === b.box && a.x + a.left < b.x + b.left + b.wide &&
    b.x + b.left < a.x + a.left + a.wide;
  let moved = true;
  for (let pass = 0; moved && pass < 60; pass++) {
    moved = false;
    names.forEach((a, k) => names.slice(k + 1).forEach((b) => {
      const lack = a.y + a.tall - b.y;
      if (lack <= 0.5 || !meet(a, b)) return;
      moved = true;
      a.y -= lack / 2;
      b.y += lack / 2;
    }));
    for (const name of names) {
      const { top, bottom } = boxes[name.box];
      name.y = Math.max(top + 4, Math.min(bottom + APART / 2 - name.tall, name.y));
    }
  }
  for (const { x, y, node, more } of names) {
    node.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)})`);
    more.setAttribute("y", 15.5);
  }
}

function symbol(shape, size, parent, name = shape) {
  const r = size / 2;
  const open = shape === "cross";
  const ring = shape === "ring";
  const cover = open && svg("path", { d: SYMBOL.cross, "stroke-linecap": "round", style: PAPER,
    "stroke-width": 5 / r }, parent);
  const node = svg("path", { d: SYMBOL[shape], "data-symbol": name, "stroke-linecap": "round",
    "stroke-width": (open || ring ? 2.4 : 2) / r }, parent);
  node.style.fill = open ? "none" : ring ? "var(--lr-paper)" : "var(--c)";
  node.style.stroke = open || ring ? "var(--c)" : "var(--lr-paper)";
  return (x, y, angle) => {
    const shown = finite(+x, +y);
    for (const part of cover ? [cover, node] : [node]) {
      part.style.display = shown ? "" : "none";
      if (shown) {
        part.setAttribute("transform",
          `translate(${x} ${y}) rotate(${angle || 0}) scale(${r})`);
      }
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
  root.style.maxWidth = `${Math.round(stage.size[0] * (stage.size[0] < NARROW ? 1.4 : 1))}px`;
  const boxes = stage.boxes.map(([left, top, width, height]) => ({
    x: (u) => (left + u * width).toFixed(2),
    y: (v) => (top + v * height).toFixed(2),
    holds: (u, v) => Math.abs(u - 0.5) <= 0.5001 && Math.abs(v - 0.5) <= 0.5001,
    fractions: (at) => ({ x: (at.x - left) / width, y: (at.y - top) / height }),
    left,
    top,
    bottom: top + height,
  }));
  const defs = svg("defs", {}, root);
  stage.boxes.forEach(([x, y, width, height], k) =>
    svg("rect", { x, y, width, height }, svg("clipPath", { id: `${prefix}box${k}` }, defs)));
  const hatch = svg("pattern", { id: `${prefix}hatch`, width: 7, height: 7,
    patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, defs);
  svg("path", { d: "M0 0V7", "stroke-width": 1.1, style: "stroke: var(--lr-broken)" }, hatch);
  const drawn = new Map(); // sprites that are there already, by their cells
  const sprite = (image) => {
    if (!drawn.has(image)) {
      const id = `${prefix}sprite${drawn.size}`;
      const picture = svg("symbol", { id, viewBox: "0 0 8 8" }, defs);
      drawn.set(image, `#${id}`);
      for (const shade of new Set(image)) {
        const dark = parseInt(shade, 17);
        const cells = [...image].flatMap((s, k) => s === shade ? [`M${k % 8} ${k >> 3}h1.03v1.03h-1.03z`] : []);
        if (dark) svg("path", { d: cells.join(""), "fill-opacity": dark / 16 }, picture);
      }
    }
    return drawn.get(image);
  };
  const layer = svg("g", { class: "lr-actors" }, root);
  const ends = new Map(); // of each frame that is drawn, by its positions: where its lines have ended
  const shared = { names: [], size: stage.size, sprite, hatch: `url(#${prefix}hatch)` };
  let updates = [];
  const cast = () => {
    layer.replaceChildren();
    ends.clear();
    updates = spec.actors.flatMap((actor) => {
      const group = svg("g", { "data-actor": actor.name }, layer);
      const frames = { "": [rows], last: past().slice(-1), earlier: past().slice(0, -1) }[
        actor.kept] ?? past();
      return frames.map((frame) => {
        const own = svg("g", {}, group);
        const clipped = svg("g", { "clip-path": `url(#${prefix}box${actor.ax})` }, own);
        if (!ends.has(frame.at)) ends.set(frame.at, new Map());
        const parents = { ...shared, ends: ends.get(frame.at), clipped, free: svg("g", {}, own) };
        const update = ACTORS[actor.kind](actor, boxes[actor.ax], parents, frame, past);
        const paint = typeof actor.color === "string" ? () => actor.color : () => frame.string(actor.color);
        own.style.setProperty("--c", paint());
        const same = () => actor.by.every((k) => frame.at[k] === rows.at[k]);
        return () => {
          if (typeof actor.color !== "string") own.style.setProperty("--c", paint());
          if (actor.kept === "others") own.style.display = same() ? "none" : "";
          update();
        };
      });
    });
  };
  cast();
  listenToDrags(root, spec, boxes, rows, move);
  const draw = () => {
    shared.names.length = 0;
    updates.forEach((update) => update());
    pushApart(shared.names, boxes, stage.size);
  };
  return { root, cast, draw };
}

// ---- controls --------------------------------------------------------------------------------

let count = 0;
const KEYS = { [SUPPRESS]: "true" };

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
    built.root.prepend(button);
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    const last = control.n - 1;
    const pace = (at) => control.pace[at] ?? 1000 / control.rate;
    let frame = 0;
    const face = () => {
      const word = frame ? "pause" : calm.matches ? "next" : "play";
      icon.setAttribute("d", ICON[word]);
      button.setAttribute("aria-label", `${word}: ${control.label}`);
    };
    const stop = () => {
      if (frame) move(now());
      cancelAnimationFrame(frame);
      frame = 0;
      face();
    };
    button.addEventListener("click", () => {
      if (frame) return stop();
      if (now() >= last) move(0);
      // With reduced motion each press is one jump: a step of a slow start, or a tenth of the way.
      const jump = pace(now()) < 100 ? Math.ceil(last / 10) : 1;
      if (calm.matches) return move(Math.min(last, now() + jump));
      let before = performance.now(), part = 0;
      const tick = (time) => {
        let left = time - before, at = now();
        before = time;
        while (at < last && left > 0) {
          const rest = (1 - part) * pace(at);
          if (left < rest) { part += left / pace(at); break; }
          left -= rest;
          part = 0;
          at += 1;
        }
        if (at >= last) { move(last); return stop(); }
        move(at, part);
        frame = requestAnimationFrame(tick);
      };
      frame = requestAnimationFrame(tick);
      face();
    });
    calm.addEventListener("change", face);
    face();
    return { ...built, stop };
  },

  choice(control, move, now) {
    const glide = glider(control.glide, move, now);
    const group = `lr-group-${Date.now().toString(36)}-${++count}`;
    const inputs = control.text.map((_, k) => {
      const input = html("input", { type: "radio", name: group, value: k, ...KEYS });
      input.addEventListener("change", () => glide.go(k, now()));
      return input;
    });
    const options = inputs.map((input, k) => {
      const icon = control.icons[k];
      const label = html("label", {}, input);
      if (icon) {
        const points = icon.map(([x, y]) => `${(62 * x + 1).toFixed(1)},${(27 - 26 * y).toFixed(1)}`);
        const drawing = svg("svg", { viewBox: "0 0 64 28", "aria-hidden": "true" });
        svg("polyline", { points: points.join(" ") }, drawing);
        label.append(drawing);
      }
      label.append(html("span", {}, ...indexed(control.text[k], (tag) => html(tag))));
      return label;
    });
    const look = control.icons.length ? "lr-icons" : "lr-segments";
    const root = html("fieldset", { class: `lr-control lr-choice ${look}` },
      html("legend", {}, control.label), html("div", { class: "lr-options" }, ...options));
    const set = (at) => { inputs[at].checked = true; };
    return { root, set, input: inputs[0], stop: glide.stop };
  },

  answers(control, move, now) {
    const glide = glider(control.glide, move, now);
    const buttons = control.text.slice(1).map((text, k) => {
      const button = html("button", { type: "button", class: "lr-push", ...KEYS },
        ...indexed(text, (tag) => html(tag)));
      button.addEventListener("click", () => glide.go(k + 1, now() ? undefined : 0));
      return button;
    });
    const root = html("fieldset", { class: "lr-control lr-choice" },
      html("legend", {}, control.label), html("div", { class: "lr-options" }, ...buttons));
    const set = (at) => buttons.forEach((button, k) => {
      button.setAttribute("aria-pressed", k + 1 === at);
    });
    return { root, set, input: buttons[0], stop: glide.stop };
  },

  switch(control, move) {
    const input = html("input", { type: "checkbox", role: "switch", ...KEYS });
    input.addEventListener("change", () => move(+input.checked));
    const root = html("div", { class: "lr-control lr-switch" },
      html("label", {}, control.label, input));
    return { root, set: (at) => { input.checked = at === 1; }, input };
  },

  button(control, move, now, stands) {
    const button = html("button", { type: "button", class: "lr-push", ...KEYS }, control.label);
    const sets = control.n === 1 && control.sets[0];
    const glide = glider(control.glide, move, now);
    button.addEventListener("click", () => {
      const to = now() + 1 < control.n ? now() + 1 : control.then;
      glide.go(to, to === now() + 1 ? now() : undefined);
    });
    const root = html("div", { class: "lr-control lr-pushes" }, button);
    const set = () => { if (sets) button.setAttribute("aria-pressed", stands(sets)); };
    return { root, set, refresh: set, input: button, stop: glide.stop };
  },
};

// Moves a control at once, and the actors within so many milliseconds, fast at first.
function glider(time, move, at) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let frame = 0;
  const stop = () => cancelAnimationFrame(frame);
  const go = (to, from) => {
    stop();
    if (!time || calm.matches || from === undefined) return move(to);
    const start = performance.now();
    const tick = (now) => {
      if (now > start && at() !== to) return; // another hand has moved it since
      const left = 1 - Math.min(1, (now - start) / time);
      move(to, -(left ** 3), from);
      if (left > 0) frame = requestAnimationFrame(tick);
    };
    tick(start);
  };
  return { go, stop };
}

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
  // On a page of its own nobody answers: what asks is not there, but where answers came along.
  const absent = (control) => model.alone && model.travel && control.ask && !control.travels;
  const there = (actors) => actors.filter(({ kind, pulls }) =>
    kind !== "handle" || !pulls.every(([k]) => absent(spec.controls[k])));
  spec.actors = there(spec.actors);
  const unpack = (bytes) => new Float32Array( // a copy: the offset need not be a multiple of four
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  let data = unpack(model.get("data"));
  const at = spec.controls.map((control) => model.get(control.name)), position = at;
  // While something plays, the frame lies between two positions of one control: a part beyond its
  // position, or, where negative, short of it.
  // `from`: the position that it comes from, where that is not the one before.
  let glide = { axis: -1, part: 0, from: undefined };
  const frame = (at) => {
    const index = (ref) => ref.by.reduce((k, axis) => k * spec.controls[axis].n + at[axis], 0);
    const row = (ref) => {
      const start = ref.o + index(ref) * ref.n;
      return data.subarray(start, start + ref.n);
    };
    const numbers = (ref) => {
      if (ref.offset) {
        const scale = numbers(ref.scale)[0], center = numbers(ref.center)[0];
        const own = numbers(ref.offset).map((value) => center + scale * value);
        if (!ref.plus) return own;
        const more = numbers(ref.plus);
        return own.map((value, k) => value + more[k]);
      }
      const now = row(ref), { axis, part, from } = glide;
      if (!part || !ref.by.includes(axis) || !gliding) return now;
      const here = at[axis];
      at[axis] = from ?? here + Math.sign(part);
      const other = row(ref), share = Math.abs(part);
      at[axis] = here;
      return now.map((value, k) => value + share * (other[k] - value));
    };
    const gliding = at === position;
    const earlier = (axis, steps, ref) => {
      const kept = at[axis];
      at[axis] -= steps;
      const found = numbers(ref);
      at[axis] = kept;
      return found;
    };
    const reach = (actor, all) => { // points of a line that are passed, and the part of the next
      const axis = actor.upto;
      if (axis === undefined) return [all, 0];
      if (actor.passed) {
        const passed = numbers(actor.passed)[0];
        return [Math.floor(passed), passed % 1];
      }
      const part = gliding && glide.axis === axis ? glide.part : 0;
      return part < 0 ? [at[axis], 1 + part] : [at[axis] + 1, part];
    };
    return {
      at,
      numbers,
      earlier,
      reach,
      table: (ref) => data.subarray(ref.o, ref.o + spec.controls[ref.by[0]].n),
      string: (ref) => ref.strings[ref.which ? row(ref.which)[0] : index(ref)],
    };
  };
  const rows = frame(at);
  let kept = model.get("kept"); // positions of all controls, as they were when kept
  const past = () => kept.map(frame);

  const said = spec.say.map((say, k) => buildSay(say, k));
  const sleep = sleeper("Asleep: run this cell. Until then the figure shows its last sweep.");
  const live = html("div", { class: "lr-live", role: "status", "aria-live": "polite" });
  const holder = html("div", { class: "lr-stage" });
  let stage = null, shown = -1, wide = 0, saving = 0, speaking = 0;

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
    controls.forEach((control) => control.refresh?.());
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
    const { on, once, every } = spec.keep;
    const then = at.map((position, k) => new Map(changes).get(k) ?? position);
    if (every.length) {
      const alike = (entry) => every.every((k) => entry[k] === then[k]);
      if (kept.some(alike)) return;
      recall([...kept, then]);
    } else {
      const before = once === null ? null : kept.find((entry) => entry[once] === then[once]);
      if (once !== null && then[once] !== at[once]) return changes.push([on, before?.[on] ?? 0]);
      if (then[on] === at[on] || (once !== null && (before || !then[on]))) return;
      recall(then[on] ? [...kept, then] : []); // a button back at its first position starts again
    }
    model.set("kept", kept);
  };
  const move = (wanted, part = 0, from = undefined) => {
    const all = wanted.flatMap(([k, to]) => [[k, to], ...(spec.controls[k].sets?.[to] ?? [])]);
    const changes = all.filter(([k, position]) => position !== at[k]);
    const before = glide;
    glide = { axis: wanted[0][0], part, from };
    if (!changes.length) {
      if (part || before.part) draw();
      return;
    }
    if (spec.keep) keep(changes);
    place(changes); // drawn at once; saved when the hand rests, or at once where Python answers
    for (const [k, position] of changes) model.set(spec.controls[k].name, position);
    clearTimeout(saving);
    if (changes.some(([k, position]) => spec.controls[k].travels && model.travel?.(position))) {
      return answered();
    }
    if (!changes.some(([k]) => spec.controls[k].ask)) {
      saving = setTimeout(save, QUIET);
      return;
    }
    save();
    sleep.asked(model.alone ? 0 : undefined);
  };
  const stands = (sets) => sets.every(([k, position]) => at[k] === position);
  const controls = spec.controls.map((control, k) => CONTROLS[control.kind](
    control, (position, part, from) => move([[k, position]], part, from), () => at[k], stands));
  controls.forEach(({ root }, k) => root.classList.toggle("lr-folded", spec.controls[k].folded));
  const panel = html("div", { class: "lr-controls" }, ...controls.map((control) => control.root));
  const dependent = spec.controls.some((control) => control.when?.length || absent(control));
  const dress = () => dependent && spec.controls.forEach((control, k) => {
    const idle = absent(control) ||
      !control.when.every(([other, positions]) => positions.includes(at[other]));
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
    sleep.answered();
    const fresh = structuredClone(model.get("frames"));
    data = unpack(model.get("data"));
    spec.actors = there(fresh.actors);
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
    panel, ...said.map((sentence) => sentence.root), live, holder, sleep.node);
  el.append(root);
  const unshare = shareKeys(root);
  if (spec.keep?.every.length && !kept.length) kept = [[...at]];
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
    unshare();
    sleep.answered();
    listeners.forEach((forget) => forget());
    controls.forEach((control) => control.stop?.());
    clearTimeout(speaking);
    if (saving) save();
    root.remove();
  };
}

// ---- without a notebook: the same scene from the state written into the page -------------------

async function unzipped(text) {
  const packed = new Response(Uint8Array.from(atob(text), (c) => c.charCodeAt(0))).body;
  const plain = packed.pipeThrough(new DecompressionStream("deflate"));
  return new DataView(await new Response(plain).arrayBuffer());
}

async function mountAll() {
  for (const el of document.querySelectorAll(".lrlesson-mount:not([data-alive])")) {
    el.dataset.alive = "true";
    const state = JSON.parse(el.querySelector("script").textContent);
    const data = await unzipped(state.data);
    const answers = [];
    for (const answer of state.answers) {
      answers.push({ frames: answer.frames, data: await unzipped(answer.data) });
    }
    const values = { ...state.at, spec: state.spec, data };
    el.replaceChildren();
    const model = { get: (name) => values[name], set: (name, value) => { values[name] = value; } };
    if (answers.length) {
      model.travel = (position) => Object.assign(values, answers[position]);
    }
    render({ el, model: { ...model, alone: true, on() {}, off() {}, save_changes() {} } });
    if (el.classList.contains("alone")) el.firstChild.classList.add("alone");
  }
}

export default { render };
