/* Drawings of a fit in SVG: the network, the loss, and what the network predicts. */

function add(parent, tag, attributes = {}, text = undefined) {
  const isSvg = parent instanceof SVGElement || tag === "svg";
  const node = isSvg
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  set(node, attributes);
  if (text !== undefined) node.textContent = text;
  parent.append(node);
  return node;
}

function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
}

/* Lines of text around a point. */
function write(node, x, y, lines, size) {
  node.replaceChildren();
  lines.forEach((line, k) => {
    const dy = (k - (lines.length - 1) / 2) * 1.15 * size + 0.35 * size;
    add(node, "tspan", { x, y: y + dy }, line);
  });
}

/* The size of a number against the largest; 0 where one of them is not finite. */
function shareOf(value, full) {
  const share = Math.abs(value) / full;
  return Number.isFinite(share) ? Math.min(1, share) : 0;
}

const SCALE = 100;
const toPixels = ([x, y]) => [SCALE * x, -SCALE * y];

/* The network. `choose` is called with the number of a weight that is clicked. */
class NetworkDrawing {
  constructor(parent, fit, choose) {
    this.fit = fit;
    this.choose = choose;
    const [[left, right], [bottom, top]] = fit.limits;
    const box = [left, -top - 0.1, right - left, top - bottom + 0.2].map((v) => SCALE * v);
    this.svg = add(parent, "svg", {
      viewBox: box.join(" "),
      role: "group",
      "aria-label": "Weights of the network",
    });
    // Text stays readable on a narrow screen, where the figure scrolls.
    this.svg.style.minWidth = `${9.3 * fit.sizes.length}rem`;
    this.units = fit.units.map((places) => places.map(toPixels));
    this.biases = fit.biases.map(toPixels);
    this.radius = SCALE * fit.radius;
    this.makeLines();
    this.makeUnits();
  }

  makeLines() {
    const lines = add(this.svg, "g");
    const numbers = add(this.svg, "g", { "aria-hidden": "true", "pointer-events": "none" });
    this.lines = this.fit.weights.map(([name, symbol], k) => {
      const [kind, depth, ...at] = name.match(/[a-z]+|\d+/g);
      const layer = Number(depth);
      const isBias = kind === "intercepts";
      const from = isBias ? this.biases[layer] : this.units[layer][at[0]];
      const to = this.units[layer + 1][at.at(-1)];
      const group = add(lines, "g", { class: "weight", role: "button", "data-weight": name });
      const ends = { x1: from[0], y1: from[1], x2: to[0], y2: to[1] };
      const [halo, line] = ["halo", "line"].map((part) =>
        add(group, "line", { class: part, "stroke-linecap": "butt", ...ends }),
      );
      add(group, "line", { class: "hit", ...ends });
      group.addEventListener("click", () => this.choose(k));
      group.addEventListener("keydown", (event) => this.onKey(event, k));
      const place = this.fit.places[layer];
      let number = null;
      if (place !== null) {
        const [x, y] = [0, 1].map((axis) => (1 - place) * from[axis] + place * to[axis]);
        number = add(numbers, "text", { class: "number", "text-anchor": "middle", x, y: y + 4 });
      }
      return { layer, isBias, symbol, name, group, halo, line, number };
    });
    this.focusOn(0);
  }

  /* Arrows go from weight to weight; Enter and the space bar choose one. */
  onKey(event, k) {
    const ahead = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (ahead !== undefined) {
      const next = (k + ahead + this.lines.length) % this.lines.length;
      this.focusOn(next);
      this.lines[next].group.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      this.choose(k);
    } else {
      return;
    }
    event.preventDefault();
  }

  focusOn(number) {
    this.lines.forEach(({ group }, k) => set(group, { tabindex: k === number ? 0 : -1 }));
  }

  makeUnits() {
    const { fit, radius } = this;
    const group = add(this.svg, "g", { "aria-hidden": "true", "pointer-events": "none" });
    const size = Math.min(12.5, (0.88 * 2 * radius) / (0.6 * 10));
    this.fontSize = size;
    this.circles = this.units.map((places) =>
      places.map(([cx, cy]) => {
        add(group, "circle", { class: "back", cx, cy, r: radius });
        const fill = add(group, "circle", { cx, cy, r: radius });
        return { cx, cy, fill, text: add(group, "text", { "text-anchor": "middle", "font-size": size }) };
      }),
    );
    this.biases.forEach(([x, y]) => {
      const half = 0.5 * radius;
      const square = { x: x - half, y: y - half, width: radius, height: radius };
      add(group, "rect", { class: "back unit", ...square });
      const text = add(group, "text", { "text-anchor": "middle", "font-size": size });
      write(text, x, y, ["1"], size);
    });
    const beside = (names, side, anchor) =>
      names.map(() => add(group, "text", { class: side, "text-anchor": anchor, "font-size": 13 }));
    this.left = beside(fit.inputs, "left", "end");
    this.right = beside(fit.outputs, "right", "start");
    const bottom = Math.max(...this.units.map((places) => places.at(-1)[1])) + 0.6 * SCALE * fit.pitch;
    fit.captions.forEach((caption, depth) => {
      const x = this.units[depth][0][0];
      add(group, "text", { "text-anchor": "middle", "font-size": 13, x, y: bottom + 12 }, caption);
    });
    const [start, end] = [this.units[0][0][0], this.units.at(-1)[0][0]];
    this.flow = add(group, "text", {
      class: "tick", "text-anchor": "middle", "font-size": 13, x: (start + end) / 2, y: bottom + 32,
    });
  }

  /* `show` is "weights", "activations" or "gradients", as of NetworkDisplay. */
  draw(show, row, chosen) {
    const { fit } = this;
    const { activations, deltas, targets } = fit.passesOf(row);
    this.drawLines(show, chosen);
    this.circles.forEach((circles, depth) => {
      const values = { weights: null, activations: activations[depth], gradients: deltas[depth] }[show];
      const largest = values === null ? 0 : Math.max(...values.map(Math.abs));
      const full = show === "activations" && depth > 0 ? Math.max(1, largest) : largest;
      circles.forEach(({ cx, cy, fill, text }, k) => {
        const value = values === null ? 0 : values[k];
        const colour = value < 0 ? "negative" : "positive";
        const opacity = fit.fill * shareOf(value, full);
        set(fill, {
          class: value < 0 ? "unit below" : "unit", fill: `var(--${colour})`, "fill-opacity": opacity,
        });
        let lines = [fit.symbols[depth][k]];
        if (show !== "weights") lines = [short(activations[depth][k])];
        if (show === "gradients" && depth > 0) lines.push(`δ ${short(deltas[depth][k])}`);
        write(text, cx, cy, lines, this.fontSize);
      });
    });
    this.left.forEach((node, k) => {
      const [x, y] = this.units[0][k];
      const value = show === "weights" ? "" : ` = ${short(activations[0][k])}`;
      write(node, x - this.radius - 8, y, [fit.inputs[k] + value], 13);
    });
    this.right.forEach((node, k) => {
      const [x, y] = this.units.at(-1)[k];
      const lines = [fit.outputs[k]];
      if (show !== "weights") lines[0] += ` = ${short(activations.at(-1)[k])}`;
      if (show === "gradients") lines.push(`y = ${short(targets[k])}`);
      write(node, x + this.radius + 8, y, lines, 13);
    });
    this.flow.textContent = { weights: "", activations: "forward →", gradients: "← backward" }[show];
  }

  drawLines(show, chosen) {
    const { fit } = this;
    const values = this.lines.map((_, k) => (show === "gradients" ? fit.gradient(k) : fit.weight(k)));
    const full = fit.places.map((_, layer) =>
      Math.max(...values.filter((_, k) => this.lines[k].layer === layer && !this.lines[k].isBias).map(Math.abs)),
    );
    const { widest, thinnest, palest } = fit.line;
    this.lines.forEach(({ group, line, number, layer, symbol, name }, k) => {
      const part = shareOf(values[k], full[layer]);
      set(line, {
        class: values[k] < 0 ? "below" : "above",
        "stroke-width": SCALE * widest * (thinnest + (1 - thinnest) * part),
        "stroke-opacity": palest + (1 - palest) * part,
      });
      set(group, {
        "aria-label": `${symbol}, ${name}: value ${short(fit.weight(k))}, gradient ${short(fit.gradient(k))}`,
        "aria-pressed": String(k === chosen),
      });
      if (number !== null) number.textContent = short(values[k]);
    });
  }
}

/* A plot with axes. */
class Plot {
  constructor(parent, name, xLimits, yLimits, { log = false, labels }) {
    this.size = [490, 250];
    this.box = { left: 74, right: 460, top: 10, bottom: 208 };
    this.limits = [xLimits, log ? yLimits.map(Math.log10) : yLimits];
    this.log = log;
    this.svg = add(parent, "svg", {
      viewBox: `0 0 ${this.size.join(" ")}`, role: "img", "aria-label": name,
    });
    const { left, right, top, bottom } = this.box;
    this.clip = `clip${(Plot.count = (Plot.count || 0) + 1)}`;
    const clip = add(add(this.svg, "defs"), "clipPath", { id: this.clip });
    add(clip, "rect", { x: left, y: top, width: right - left, height: bottom - top });
    this.axes = add(this.svg, "g");
    this.inside = add(this.svg, "g", { "clip-path": `url(#${this.clip})` });
    for (const value of ticks(...xLimits)) {
      const x = this.x(value);
      add(this.axes, "line", { class: "grid", x1: x, x2: x, y1: top, y2: bottom });
      add(this.axes, "text", { class: "tick", x, y: bottom + 17, "text-anchor": "middle", "font-size": 12.5 }, tickText(value));
    }
    for (const value of log ? powers(...yLimits) : ticks(...yLimits)) {
      const y = this.y(value);
      add(this.axes, "line", { class: "grid", x1: left, x2: right, y1: y, y2: y });
      add(this.axes, "text", { class: "tick", x: left - 6, y: y + 4, "text-anchor": "end", "font-size": 12.5 }, tickText(value));
    }
    add(this.svg, "rect", { class: "axis", x: left, y: top, width: right - left, height: bottom - top });
    add(this.svg, "text", { x: (left + right) / 2, y: 244, "text-anchor": "middle", "font-size": 13 }, labels[0]);
    const middle = (top + bottom) / 2;
    add(this.svg, "text", { transform: `translate(12 ${middle}) rotate(-90)`, "text-anchor": "middle", "font-size": 13 }, labels[1]);
  }

  x(value) {
    const [low, high] = this.limits[0];
    return this.box.left + ((value - low) / (high - low)) * (this.box.right - this.box.left);
  }

  y(value) {
    const [low, high] = this.limits[1];
    const at = this.log ? Math.log10(value) : value;
    return this.box.bottom - ((at - low) / (high - low)) * (this.box.bottom - this.box.top);
  }

  path(xs, ys) {
    const near = (v) => Math.min(1e5, Math.max(-1e5, v)).toFixed(1);
    return xs
      .map((x, k) => [this.x(x), this.y(ys[k])])
      .filter(([, y]) => Number.isFinite(y))
      .map(([x, y], k) => `${k ? "L" : "M"}${near(x)} ${near(y)}`)
      .join("");
  }
}

/* Round numbers between two others. */
function ticks(low, high) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, k) => (first + k) * step);
}

function powers(low, high) {
  const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  const every = Math.ceil((last - first + 1) / 6);
  const all = Array.from({ length: last - first + 1 }, (_, k) => 10 ** (first + k));
  return all.filter((_, k) => k % every === 0);
}

function tickText(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) {
    const [mantissa, exponent] = value.toExponential(1).split("e");
    return `${Number(mantissa)}e${Number(exponent)}`.replace(/-/g, "−");
  }
  return Number(value.toPrecision(4)).toLocaleString("en").replace("-", "−");
}

function extent(values, room) {
  const finite = values.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const extra = low === high ? Math.max(1, 0.5 * Math.abs(low)) : room * (high - low);
  return [low - extra, high + extra];
}

/* The loss at all frames, with a cursor. `seek` is called with a step that is clicked. */
class LossPlot {
  constructor(parent, fit, fits, seek) {
    const losses = fits.flatMap((one) => Array.from(one.losses));
    const logs = losses.filter((loss) => loss > 0 && Number.isFinite(loss)).map(Math.log10);
    const log = logs.length > 1 && Math.max(...logs) - Math.min(...logs) > Math.log10(30);
    // Within the range of doubles, with room for the axis.
    const inRange = (v) => Math.min(305, Math.max(-305, v));
    const limits = log ? extent(logs, 0.05).map(inRange) : extent(losses, 0.05);
    const last = Math.max(1, ...fits.map((one) => one.steps.at(-1)));
    this.fit = fit;
    this.plot = new Plot(parent, "Loss by step", [0, last], log ? limits.map((v) => 10 ** v) : limits, {
      log, labels: ["step", log ? "loss, logarithmic" : "loss"],
    });
    const { inside, svg, box } = this.plot;
    add(inside, "path", { class: "curve", d: this.plot.path(fit.steps, Array.from(fit.losses)) });
    this.cursor = add(inside, "line", { class: "cursor", y1: box.top, y2: box.bottom });
    this.dot = add(svg, "circle", { class: "dot", r: 4.5 });
    svg.addEventListener("click", (event) => {
      const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      seek(((place.x - box.left) / (box.right - box.left)) * last);
    });
  }

  draw() {
    const { fit, plot } = this;
    const x = plot.x(fit.steps[fit.frame]);
    const at = plot.y(fit.losses[fit.frame]);
    const y = Number.isFinite(at) ? at : plot.box.top;
    set(this.cursor, { x1: x, x2: x });
    set(this.dot, { cx: x, cy: y });
    const loss = general(fit.losses[fit.frame], 4);
    set(plot.svg, { "aria-label": `Loss by step; ${loss} at step ${fit.steps[fit.frame]}` });
  }
}
