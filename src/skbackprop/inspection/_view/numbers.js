"use strict";

/* Numbers as Python prints them, and the reports that have them. */

/* Of two numbers equally near, JavaScript writes the larger one and Python the even one. */
function toEven(written, exact, digits) {
  const [mantissa, exponent] = written.split("e");
  const tail = exact.split("e")[0].split(".")[1].slice(digits);
  const last = Number(mantissa.at(-1));
  const isTie = /^50*$/.test(tail) && last % 2 === 1;
  const even = isTie ? mantissa.slice(0, -1) + (last - 1) : mantissa;
  return exponent === undefined ? even : `${even}e${exponent}`;
}

function special(x) {
  return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
}

/* Python's format(x, f".{digits}f"). */
function fixed(x, digits) {
  if (!Number.isFinite(x)) return special(x);
  return (Object.is(x, -0) ? "-" : "") + toEven(x.toFixed(digits), x.toFixed(100), digits);
}

/* Python's format(x, f".{digits}e"). */
function exponential(x, digits) {
  if (!Number.isFinite(x)) return special(x);
  const sign = Object.is(x, -0) ? "-" : "";
  const written = sign + toEven(x.toExponential(digits), x.toExponential(100), digits);
  return written.replace(/e([+-])(\d)$/, "e$10$2");
}

/* Python's format(x, f".{digits}g"). */
function general(x, digits) {
  if (!Number.isFinite(x)) return special(x);
  if (x === 0) return Object.is(x, -0) ? "-0" : "0";
  const [mantissa, exponent] = exponential(x, digits - 1).split("e");
  const strip = (s) => (s.includes(".") ? s.replace(/\.?0+$/, "") : s);
  const e = Number(exponent);
  if (e < -4 || e >= digits) return `${strip(mantissa)}e${exponent}`;
  return strip(fixed(x, digits - 1 - e));
}

/* At most seven characters, as beside the units of a drawn network. */
function short(x) {
  const size = Math.abs(x);
  let written;
  if ((size >= 1e-3 && size < 1e4) || x === 0) {
    // Adding 0 turns −0 into 0.
    written = size < 10 ? general(x + 0, 2) : fixed(x, 0);
  } else {
    const [mantissa, exponent] = exponential(x, 1).split("e");
    written = exponent === undefined ? mantissa : `${mantissa}e${Number(exponent)}`;
  }
  return written.replace(/-/g, "−");
}

/* The cells of a column of a report. All numbers have the same decimals. */
function formatColumn(cells) {
  const numbers = cells.filter((cell) => typeof cell === "number").map((x) => x + 0);
  const sizes = numbers.filter((x) => x !== 0).map(Math.abs);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  let write = (x) => exponential(x, 5);
  if (sizes.length === 0 || (least >= 1e-6 && most < 1e6)) {
    // The exponent of the shortest way to write a number is the floor of its logarithm.
    const floor = sizes.length === 0 ? 0 : Number(least.toExponential().split("e")[1]);
    const decimals = Math.max(6, 3 - floor);
    const digits = numbers.map(
      (x) => (fixed(x, decimals).replace(/0+$/, "").split(".")[1] || "").length,
    );
    const longest = Math.max(0, ...digits);
    write = (x) => fixed(x, longest);
  }
  return cells.map((cell) =>
    typeof cell === "number" ? write(cell + 0) : cell === null ? "" : cell,
  );
}

function doubles(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float64Array.from({ length: bytes.length / 8 }, (_, k) => view.getFloat64(8 * k, true));
}

/* A recorded fit: its numbers at a frame, and its reports there. */
class Fit {
  constructor(data) {
    Object.assign(this, data);
    this.losses = doubles(data.losses);
    this.constant = doubles(data.constant);
    this.varying = doubles(data.varying);
    this.width = this.varying.length / this.steps.length;
    this.frame = 0;
  }

  /* Whether an input belongs to one of several classes, each with an output. */
  get severalClasses() {
    return this.classifies && !this.multilabel && this.outputs.length > 1;
  }

  /* The last frame that has taken at most so many steps. */
  frameAt(step) {
    let frame = 0;
    while (frame + 1 < this.steps.length && this.steps[frame + 1] <= step) frame += 1;
    return frame;
  }

  number(slot) {
    const n = this.constant.length;
    return slot < n ? this.constant[slot] : this.varying[this.frame * this.width + slot - n];
  }

  weight(k) {
    return this.number(this.passes[2 * k]);
  }

  gradient(k) {
    return this.number(this.passes[2 * k + 1]);
  }

  /* Activations and deltas of the layers, and the targets, of a row. The inputs have no deltas. */
  passesOf(row) {
    const nOutputs = this.sizes.at(-1);
    const units = this.sizes.reduce((sum, size) => sum + size, 0);
    let at = 2 * this.weights.length + row * (2 * units - this.sizes[0] + nOutputs);
    const take = (size) => Array.from({ length: size }, () => this.number(this.passes[at++]));
    const activations = this.sizes.map(take);
    const deltas = this.sizes.map((size, depth) => (depth === 0 ? null : take(size)));
    return { activations, deltas, targets: take(nOutputs) };
  }

  /* A report as HTML. */
  report(name) {
    const { which, variants, slots } = this.reports[name];
    const value = (at) => this.number(slots[at]);
    const template = variants[which === 0 ? 0 : which[this.frame]];
    return template
      .map((part) =>
        Array.isArray(part) ? paragraphHtml(part, value) : tableHtml(part, value),
      )
      .join("");
  }
}

function paragraphHtml(parts, value) {
  const written = parts.map((part) => (typeof part === "number" ? general(value(part), 6) : part));
  return `<p>${written.join("").replace(/^ +/gm, "\u2003").replace(/\n/g, "<br>")}</p>`;
}

function tableHtml(table, value) {
  const cells = table.lines.map((line) =>
    line.map((cell) => {
      if (typeof cell === "number") return value(cell);
      if (Array.isArray(cell)) return cell.map(value).reduce((product, x) => product * x);
      return cell !== null && typeof cell === "object" ? String(value(cell.whole)) : cell;
    }),
  );
  const columns = table.right.map((_, k) => formatColumn(cells.map((line) => line[k])));
  const row = (tag, texts) =>
    texts
      .map((text, k) => {
        const side = table.right[k] ? ' class="right"' : "";
        const name = tag === "th" && text !== "" ? "th" : "td";
        return `<${name}${name === "th" ? ' scope="col"' : ""}${side}>${text}</${name}>`;
      })
      .join("");
  const heads = table.heads.map((head) => `<tr>${row("th", head)}</tr>`).join("");
  const lines = cells
    .map((_, k) => `<tr>${row("td", columns.map((column) => column[k]))}</tr>`)
    .join("");
  const rest = table.rest.map((sentence) => `<p>${sentence}</p>`).join("");
  return (
    `<div><table><caption>${table.title}</caption><thead>${heads}</thead>` +
    `<tbody>${lines}</tbody></table>${rest}</div>`
  );
}
