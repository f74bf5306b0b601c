/* The page: controls, and for each fit its drawings and the chain rule at a weight. */

const SPEEDS = [1, 2, 5, 10, 25];
const SHOWN = {
  gradients: "gradients, activations and deltas",
  activations: "weights and activations",
  weights: "weights",
};

const EARLIER =
  "The fit did not keep the weights after its last step. This frame has the weights that it kept, " +
  "which are earlier ones.";

/* A fit on the page. */
class FitView {
  constructor(parent, fit, fits, page) {
    this.fit = fit;
    this.chosen = 0;
    const section = add(parent, "section", { class: "fit", "aria-label": fit.name });
    if (fits.length > 1) add(section, "h2", {}, fit.name);
    this.note = add(section, "p", { class: "note", hidden: "" }, EARLIER);
    this.heading = fits.length > 1 ? "h3" : "h2";
    const parts = add(section, "div", { class: "parts" });
    this.makeNetwork(parts);
    const loss = add(parts, "figure", { class: "loss" });
    add(loss, this.heading, {}, "Loss");
    this.plots = [new LossPlot(loss, fit, fits, (step) => page.seek(step))];
    if (canPredict(fit)) this.makePredictions(add(parts, "figure", { class: "predictions" }));
    this.makeTrace(section, page);
  }

  makeNetwork(parent) {
    const { fit } = this;
    const figure = add(parent, "figure", { class: "network" });
    const caption = add(figure, "figcaption");
    add(caption, this.heading, {}, "Network");
    this.show = select(caption, "Show ", Object.entries(SHOWN), () => this.draw());
    const nRows = Math.max(...fit.rows.map((rows) => rows.length));
    const places = Array.from({ length: nRows }, (_, place) => [place, ""]);
    this.row = select(caption, "of ", places, () => {
      this.chosenRow = Number(this.row.value);
      this.draw();
    });
    this.chosenRow = 0;
    this.row.parentNode.hidden = nRows === 1 && fit.rows.every(([row]) => row === 0);
    const scroll = add(figure, "div", { class: "scroll" });
    this.network = new NetworkDrawing(scroll, fit, (weight) => this.choose(weight, true));
    this.explanation = add(figure, "p", { class: "legend" });
  }

  makePredictions(figure) {
    const { fit } = this;
    add(figure, this.heading, {}, "Predictions");
    const Kind = fit.sizes[0] === 1 ? CurvePlot : MapPlot;
    const make = (output) => {
      holder.replaceChildren();
      this.plots[1] = new Kind(holder, fit, output);
    };
    const together = fit.outputs.length > 1 && (Kind === CurvePlot || fit.severalClasses);
    const outputs = [...(together ? [null] : []), ...fit.outputs.keys()];
    if (outputs.length > 1) {
      const options = outputs.map((output, k) => [k, output === null ? "all" : fit.outputs[output]]);
      const chosen = select(figure, "Output ", options, () => {
        make(outputs[Number(chosen.value)]);
        this.draw();
      });
    }
    const holder = add(figure, "div");
    make(outputs[0]);
  }

  makeTrace(section, page) {
    const { fit } = this;
    const trace = add(section, "div", { class: "trace" });
    const names = fit.weights.map(([name, symbol], k) => [k, `${symbol}  ${name}`]);
    add(trace, this.heading, {}, "Chain rule");
    this.weight = select(trace, "Weight ", names, () => this.choose(Number(this.weight.value)));
    const region = (kind, parent, label) =>
      add(parent, "div", { class: `scroll report ${kind}`, tabindex: 0, role: "region", "aria-label": label });
    this.chain = region("chain", trace, `Chain rule, ${fit.name}`);
    const details = add(trace, "details");
    add(details, "summary", {}, "All numbers of the step");
    this.step = region("step", details, `All numbers of the step, ${fit.name}`);
    details.addEventListener("toggle", () => this.draw());
    this.details = details;
    this.page = page;
  }

  choose(weight, announced = false) {
    this.chosen = weight;
    this.weight.value = weight;
    this.network.focusOn(weight);
    this.draw();
    if (announced) this.page.say(`Chain rule at ${this.fit.weights[weight][0]}`);
  }

  draw() {
    const { fit } = this;
    const show = this.show.value;
    this.note.hidden = !fit.kept_earlier || fit.frame < fit.steps.length - 1;
    this.network.draw(show, this.drawRows(), this.chosen);
    this.explanation.textContent = {
      weights: "Lines: w.",
      activations: "Lines: w. Units: activations a.",
      gradients: "Lines: ∂J/∂w, over all rows of the step. Units: activation a and δ = ∂J/∂z of the row.",
    }[show];
    this.explanation.textContent += " Blue and solid: above 0. Vermilion and dashed: below 0.";
    this.plots.forEach((plot) => plot.draw());
    this.chain.innerHTML = fit.report(fit.weights[this.chosen][0]);
    if (this.details.open) this.step.innerHTML = fit.report("step");
  }

  /* List the rows of the step by their numbers in the data. Return the place of the shown one. */
  drawRows() {
    const rows = this.fit.rows[this.fit.frame];
    // The last batch of an epoch may have fewer rows.
    const place = Math.min(this.chosenRow, rows.length - 1);
    [...this.row.options].forEach((option, k) => {
      option.textContent = `row ${rows[k]}`;
      option.hidden = option.disabled = k >= rows.length;
    });
    this.row.value = place;
    return place;
  }
}

function select(parent, label, options, onChange) {
  const holder = add(parent, "label", {}, label);
  const node = add(holder, "select");
  options.forEach(([value, text]) => add(node, "option", { value }, text));
  node.addEventListener("change", onChange);
  return node;
}

/* The controls. All fits are at the same step. */
class Page {
  constructor(main, fits) {
    this.fits = fits;
    this.steps = [...new Set(fits.flatMap((fit) => fit.steps))].sort((a, b) => a - b);
    this.at = 0;
    this.timer = null;
    this.makeControls(main);
    const holder = add(main, "div", { class: fits.length > 1 ? "fits" : "fits alone" });
    this.views = fits.map((fit) => new FitView(holder, fit, fits, this));
    this.go(0);
  }

  makeControls(main) {
    const bar = add(main, "div", { class: "controls", role: "group", "aria-label": "Playback" });
    const button = (text, kind, action) => {
      const node = add(bar, "button", { type: "button", class: kind }, text);
      node.addEventListener("click", action);
      return node;
    };
    this.play = button("Play", "play", () => (this.timer === null ? this.start() : this.stop()));
    button("Back", "back", () => this.move(-1));
    button("Step", "step", () => this.move(1));
    this.slider = add(bar, "input", {
      type: "range", min: 0, max: this.steps.length - 1, step: 1, value: 0, "aria-label": "Frame",
    });
    this.slider.addEventListener("input", () => {
      this.stop();
      this.go(Number(this.slider.value));
    });
    this.where = add(bar, "span", { class: "where" });
    const speeds = SPEEDS.map((speed) => [speed, `${speed} a second`]);
    this.speed = select(bar, "Speed ", speeds, () => {
      if (this.timer !== null) this.start();
    });
    this.speed.value = 5;
    this.status = add(main, "p", { class: "hidden", role: "status" });
  }

  start() {
    clearInterval(this.timer);
    if (this.at === this.steps.length - 1) this.go(0);
    this.timer = setInterval(() => this.advance(), 1000 / Number(this.speed.value));
    this.play.textContent = "Pause";
  }

  advance() {
    this.go(this.at + 1);
    if (this.at === this.steps.length - 1) this.stop();
  }

  stop() {
    if (this.timer === null) return;
    clearInterval(this.timer);
    this.timer = null;
    this.play.textContent = "Play";
    this.say(this.place());
  }

  move(by) {
    this.stop();
    this.go(this.at + by);
    this.say(this.place());
  }

  /* Go to the frame nearest to a step. */
  seek(step) {
    this.stop();
    const distances = this.steps.map((one) => Math.abs(one - step));
    this.go(distances.indexOf(Math.min(...distances)));
  }

  go(at) {
    this.at = Math.max(0, Math.min(this.steps.length - 1, at));
    const step = this.steps[this.at];
    for (const fit of this.fits) fit.frame = fit.frameAt(step);
    this.slider.value = this.at;
    this.slider.setAttribute("aria-valuetext", this.place());
    this.where.textContent = this.place();
    this.views.forEach((view) => view.draw());
  }

  place() {
    const number = (step) => step.toLocaleString("en");
    return `Step ${number(this.steps[this.at])} of ${number(this.steps.at(-1))}`;
  }

  /* Tell a screen reader. It is not told of frames that are played. */
  say(text) {
    this.status.textContent = text;
  }
}

{
  const data = JSON.parse(document.getElementById("data").textContent);
  const page = new Page(document.querySelector("main"), data.panels.map((panel) => new Fit(panel)));
  if (data.at_end) page.go(page.steps.length - 1);
  const frame = window.frameElement;
  if (frame !== null) {
    const fitHeight = () => {
      frame.style.height = `${document.body.scrollHeight + 4}px`;
    };
    new ResizeObserver(fitHeight).observe(document.body);
  }
}
