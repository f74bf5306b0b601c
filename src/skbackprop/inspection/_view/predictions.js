/* What the network predicts for one or two inputs, drawn from the weights of a frame. */

const FUNCTIONS = {
  identity: (z) => z,
  sigmoid: (z) => 0.5 * (1 + Math.tanh(0.5 * z)),
  softplus: (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))),
  tanh: Math.tanh,
  relu: (z) => Math.max(z, 0),
  exp: Math.exp,
};

function softmax(z) {
  const exps = z.map((value) => Math.exp(value - Math.max(...z)));
  const total = exps.reduce((sum, value) => sum + value);
  return exps.map((value) => value / total);
}

/* The predictions for an input. */
function predict(fit, x) {
  let a = x;
  let k = 0;
  fit.activations.forEach((name, layer) => {
    const size = fit.sizes[layer + 1];
    const z = Array(size).fill(0);
    for (const value of a) for (let j = 0; j < size; j += 1) z[j] += value * fit.weight(k++);
    if (fit.biases.length) for (let j = 0; j < size; j += 1) z[j] += fit.weight(k++);
    a = name === "softmax" ? softmax(z) : z.map(FUNCTIONS[name]);
  });
  return a;
}

function canPredict(fit) {
  const known = fit.activations.every((name) => name === "softmax" || name in FUNCTIONS);
  return known && fit.points.length > 0;
}

const N_ON_CURVE = 101;
const COLOURS = ["--positive", "--negative", "--third", "--fourth", "--fifth"];
const DASHES = ["none", "8 4", "2 3", "12 3 2 3", "16 5"];
const colourOf = (output) => `var(${COLOURS[output % COLOURS.length]})`;
/* Outputs of the same colour have other dashes. */
const dashesOf = (output) => DASHES[(output + Math.floor(output / COLOURS.length)) % DASHES.length];

/* The number of the largest value. */
const classOf = (values) => values.indexOf(Math.max(...values));

/* A list of what the marks stand for. Each has a name and draws its sample. */
function addKey(parent, entries) {
  const list = add(parent, "ul", { class: "key" });
  entries.forEach(([name, draw]) => {
    const entry = add(list, "li");
    draw(add(entry, "svg", { viewBox: "0 0 30 12", "aria-hidden": "true" }));
    add(entry, "span", {}, name);
  });
}

/* One input: a curve for each output, or for one of them, and the rows as points. */
class CurvePlot {
  constructor(parent, fit, output) {
    this.fit = fit;
    this.outputs = output === null ? [...fit.outputs.keys()] : [output];
    const limits = extent(fit.points.map(([x]) => x), 0.15);
    const values = fit.targets.flatMap((y) => this.outputs.map((k) => y[k]));
    this.plot = new Plot(parent, "Predictions by input", limits, extent(values, 0.45), {
      labels: [fit.inputs[0], this.outputs.length === 1 ? fit.outputs[this.outputs[0]] : "prediction"],
    });
    const [low, high] = limits;
    this.xs = Array.from({ length: N_ON_CURVE }, (_, k) => low + ((high - low) * k) / (N_ON_CURVE - 1));
    this.curves = this.outputs.map((k) => this.addCurve(this.plot.inside, k));
    fit.points.forEach(([x], row) => this.addPoints(x, fit.targets[row]));
    this.addLegend(parent);
  }

  addCurve(holder, output, path = "") {
    const curve = add(holder, "path", { class: "curve", d: path, "stroke-dasharray": dashesOf(output) });
    curve.style.stroke = colourOf(output);
    return curve;
  }

  /* Of several classes drawn together, the point of a row is that of its class. */
  addPoints(x, y) {
    const alone = this.outputs.length === 1;
    const drawn = this.fit.severalClasses && !alone ? [classOf(y)] : this.outputs;
    for (const k of drawn) {
      const place = { cx: this.plot.x(x), cy: this.plot.y(y[k]), r: 5 };
      const point = add(this.plot.inside, "circle", { class: "point", ...place });
      if (!alone) point.style.fill = colourOf(k);
    }
  }

  addLegend(parent) {
    const { fit, outputs } = this;
    if (outputs.length === 1) {
      add(parent, "p", { class: "legend" }, "Line: prediction. Circles: targets.");
      return;
    }
    const circles = fit.severalClasses ? "rows, in the colour of their class" : "targets, in the same colours";
    add(parent, "p", { class: "legend" }, `Lines: predictions. Circles: ${circles}.`);
    addKey(parent, outputs.map((k) => [fit.outputs[k], (svg) => this.addCurve(svg, k, "M0 6L30 6")]));
  }

  draw() {
    const predictions = this.xs.map((x) => predict(this.fit, [x]));
    this.curves.forEach((curve, k) =>
      set(curve, { d: this.plot.path(this.xs, predictions.map((y) => y[this.outputs[k]])) }),
    );
  }
}

const N_CELLS = 40;

/* Two inputs: a map of an output, or of all classes if it is null, and the rows as points. */
class MapPlot {
  constructor(parent, fit, output) {
    this.fit = fit;
    this.output = output;
    const limits = [0, 1].map((axis) => extent(fit.points.map((x) => x[axis]), 0.15));
    this.plot = new Plot(parent, "Predictions by inputs", ...limits, { labels: fit.inputs });
    this.range = fit.classifies ? [0, 1] : extent(fit.targets.map((y) => y[output]), 0);
    this.makeCells(limits);
    this.border = add(this.plot.inside, "path", { class: "border" });
    fit.points.forEach((x, row) => this.addPoint(x, fit.targets[row]));
    this.addLegend(parent);
  }

  addLegend(parent) {
    const { fit, output } = this;
    const middle = short((this.range[0] + this.range[1]) / 2);
    const text =
      output === null
        ? "Colour: the class with the largest output. Circles: rows, in the colour of their class."
        : `Colour: prediction of ${fit.outputs[output]}, blue above ${middle}, vermilion below it, a line ` +
          `at ${middle}. Circles: targets of at least ${middle}. Squares: targets below it.`;
    add(parent, "p", { class: "legend" }, text);
    if (output !== null) return;
    const classes = COLOURS.map((_, first) => fit.outputs.filter((_, k) => k % COLOURS.length === first));
    const used = classes.filter((names) => names.length > 0);
    addKey(parent, used.map((names, first) => [names.join(", "), (svg) => this.addCircle(svg, 15, 6, first)]));
  }

  addCircle(holder, cx, cy, output) {
    const point = add(holder, "circle", { class: "point", cx, cy, r: 5 });
    point.style.fill = colourOf(output);
  }

  makeCells([[left, right], [low, high]]) {
    const { plot } = this;
    const at = (from, to, k) => from + ((to - from) * (k + 0.5)) / N_CELLS;
    const width = (plot.box.right - plot.box.left) / N_CELLS;
    const height = (plot.box.bottom - plot.box.top) / N_CELLS;
    this.cells = Array.from({ length: N_CELLS * N_CELLS }, (_, k) => {
      const x = [at(left, right, k % N_CELLS), at(low, high, Math.floor(k / N_CELLS))];
      const place = { x: plot.x(x[0]) - width / 2, y: plot.y(x[1]) - height / 2 };
      const cell = add(plot.inside, "rect", { ...place, width, height, "shape-rendering": "crispEdges" });
      return { x, cell };
    });
  }

  addPoint(x, y) {
    const [cx, cy] = [this.plot.x(x[0]), this.plot.y(x[1])];
    if (this.output === null) {
      this.addCircle(this.plot.inside, cx, cy, classOf(y));
    } else if (this.share(y[this.output]) >= 0.5) {
      add(this.plot.inside, "circle", { class: "point one", cx, cy, r: 5 });
    } else {
      add(this.plot.inside, "rect", { class: "point none", x: cx - 4.5, y: cy - 4.5, width: 9, height: 9 });
    }
  }

  share(value) {
    const [low, high] = this.range;
    return Math.min(1, Math.max(0, (value - low) / (high - low)));
  }

  draw() {
    const values = this.cells.map(({ x }) => predict(this.fit, x));
    this.cells.forEach(({ cell }, k) => {
      let [colour, strength] = [0, 0];
      if (this.output === null) {
        colour = classOf(values[k]);
        strength = values[k][colour];
      } else {
        const share = this.share(values[k][this.output]);
        colour = share < 0.5 ? 1 : 0;
        strength = 2 * Math.abs(share - 0.5);
      }
      cell.style.fill = colourOf(colour);
      cell.style.fillOpacity = 0.05 + 0.6 * strength;
    });
    if (this.output !== null) this.drawBorder(values.map((y) => y[this.output]));
  }

  /* Between the centres of four cells the border crosses sides whose ends are on both sides of it. */
  drawBorder(values) {
    const middle = (this.range[0] + this.range[1]) / 2;
    const parts = [];
    for (let row = 0; row + 1 < N_CELLS; row += 1) {
      for (let column = 0; column + 1 < N_CELLS; column += 1) {
        const first = row * N_CELLS + column;
        const around = [first, first + 1, first + N_CELLS + 1, first + N_CELLS];
        const crossings = [];
        around.forEach((from, side) => {
          const to = around[(side + 1) % 4];
          const [start, end] = [values[from] - middle, values[to] - middle];
          const share = start / (start - end);
          if (start < 0 !== end < 0 && Number.isFinite(share)) {
            const along = [0, 1].map(
              (axis) => (1 - share) * this.cells[from].x[axis] + share * this.cells[to].x[axis],
            );
            crossings.push(`${this.plot.x(along[0]).toFixed(1)} ${this.plot.y(along[1]).toFixed(1)}`);
          }
        });
        for (let k = 0; k + 1 < crossings.length; k += 2) parts.push(`M${crossings[k]}L${crossings[k + 1]}`);
      }
    }
    set(this.border, { d: parts.join("") });
  }
}
