/**
 * Pictures of what a neuron, or a whole network, says of every point of a plane: that of the first two
 * inputs, with the others at their mean. A single input runs across, with its target upwards. On a
 * picture both axes go from -1 to 1.
 */
import { html, useEffect, useRef } from "../../vendor/preact.js";
import { ACTIVATIONS } from "../../engine.js";
import { theme } from "../../state.js";
import { samples } from "./training.js";

const MARGIN = 1.15; // of the picture, beyond the samples that lie furthest out
const FAR = 4; // beyond every edge
const HATCH = 7; // pixels from one stripe of what is below 0 to the next

/** @param {string} name */
function colour(name) {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

/** Paint values from -1 to 1: blue above 0; orange and striped below.
 * @param {CanvasRenderingContext2D} context @param {number} size @param {(x: number, y: number) => number} valueAt */
function paint(context, size, valueAt) {
  const image = context.createImageData(size, size);
  const { data } = image;
  const [above, below] = [colour("--blue"), colour("--orange")];
  for (let row = 0, at = 0; row < size; row++)
    for (let column = 0; column < size; column++, at += 4) {
      const value = valueAt((2 * column + 1) / size - 1, 1 - (2 * row + 1) / size);
      const striped = value < 0 && (row + column) % HATCH < 2 ? 1.8 : 1;
      [data[at], data[at + 1], data[at + 2]] = value < 0 ? below : above;
      data[at + 3] = Math.min(235, 130 * Math.min(Math.abs(value), 1) * striped);
    }
  context.putImageData(image, 0, 0);
}

/** @param {{size: number, valueAt: (x: number, y: number) => number, draw?: (context: CanvasRenderingContext2D) => void}} props */
export function Surface({ size, valueAt, draw }) {
  const canvas = useRef(/** @type {any} */ (null));
  void theme.value; // its colours are read when it is painted
  useEffect(() => {
    const context = canvas.current.getContext("2d");
    paint(context, size, valueAt);
    draw?.(context);
  });
  return html`<canvas ref=${canvas} width=${size} height=${size} aria-hidden="true"></canvas>`;
}

/** @typedef {import("../../samples.js").Samples} Given */
/** @typedef {{axes: {middle: number, reach: number}[], means: number[], level: number, range: number}} Plane
 *   axes: across and upwards; means: of every input; level: of the target that is neither blue nor orange; range:
 *   how far from there it is as blue or orange as can be */
/** @type {WeakMap<Given, Plane>} */
const planes = new WeakMap();

/** Return the plane on which samples lie. @param {Given} of @returns {Plane} */
function planeOf(of) {
  let found = planes.get(of);
  if (!found) {
    const columns = [of.input, of.target].flatMap((part) => Array.from({ length: part.columns }, (_, j) => column(part, j)));
    const told = columns[columns.length - 1];
    const means = columns.map((values) => values.reduce((total, one) => total + one, 0) / values.length);
    const level = means[means.length - 1];
    found = { axes: columns.slice(0, 2).map(axisOf), means: means.slice(0, -1), level, range: Math.max(...told.map((one) => Math.abs(one - level))) };
    planes.set(of, found);
  }
  return found;
}

/** @param {import("../../engine.js").Matrix} of @param {number} j */
const column = ({ rows, columns, data }, j) => Array.from({ length: rows }, (_, i) => data[i * columns + j]);

/** @param {number[]} values */
function axisOf(values) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return { middle: (least + most) / 2, reach: (MARGIN * (most - least)) / 2 };
}

/** Return z of a neuron on a picture: what it gains across and upwards, and where it stands in the middle.
 * @param {import("../../engine.js").Dense} hidden @param {number} k */
function slopesOf({ weight, bias }, k) {
  const { axes, means } = planeOf(samples());
  const own = means.map((_, j) => weight.data[j * weight.columns + k]);
  const [across, up] = axes.map(({ reach }, j) => (own[j] ?? 0) * reach);
  const middle = own.reduce((z, one, j) => z + one * (axes[j]?.middle ?? means[j]), /** @type {any} */ (bias).data[k]);
  return { across, up, middle };
}

/** Return what a hidden neuron says of a point. @param {import("../../engine.js").Network} of @param {number} k */
export function neuronAt({ layers: [hidden] }, k) {
  const { value } = ACTIVATIONS[hidden.activation];
  const { across, up, middle } = slopesOf(hidden, k);
  return (/** @type {number} */ x, /** @type {number} */ y) => value(across * x + up * y + middle);
}

/** Return what a network says of a point: -1 for certainly class 0, 1 for certainly class 1; of a quantity how
 * far it is from the mean. @param {import("../../engine.js").Network} of */
export function networkAt({ layers: [hidden, output] }) {
  const { value } = ACTIVATIONS[hidden.activation];
  const slopes = Array.from(output.weight.data, (_, k) => slopesOf(hidden, k));
  const part = (/** @type {"across" | "up" | "middle"} */ name) => Float64Array.from(slopes, (one) => one[name]);
  const [across, up, middle] = [part("across"), part("up"), part("middle")];
  const [out, offset] = [output.weight.data, /** @type {any} */ (output.bias).data[0]];
  const { level, range } = planeOf(samples());
  const isQuantity = samples().kind === "quantity";
  return (/** @type {number} */ x, /** @type {number} */ y) => {
    let z = offset;
    for (let k = 0; k < out.length; k++) z += out[k] * value(across[k] * x + up[k] * y + middle[k]);
    return isQuantity ? (z - level) / range : Math.tanh(z / 2); // 2 · sigmoid(z) − 1
  };
}

/** Return where the line runs on which a neuron's z is 0, from edge to edge of a picture; none if nowhere.
 * @param {import("../../engine.js").Network} of @param {number} k */
export function lineOf({ layers: [hidden] }, k) {
  const { across, up, middle } = slopesOf(hidden, k);
  const length = Math.hypot(across, up);
  if (length < 1e-9) return null;
  const [x, y] = [(-middle * across) / length ** 2, (-middle * up) / length ** 2];
  return [[x - (FAR * up) / length, y + (FAR * across) / length], [x + (FAR * up) / length, y - (FAR * across) / length]];
}

/** Samples on top of a picture: class 1, or what is above the mean, as filled discs; the others as open squares. */
export function Samples() {
  const { input, target } = samples();
  const { axes, level } = planeOf(samples());
  const upwards = input.columns === 1 ? target.data : column(input, 1);
  const at = (/** @type {number} */ value, /** @type {number} */ axis) => (value - axes[axis].middle) / axes[axis].reach;
  const marks = Array.from(target.data, (told, i) => {
    const [x, y] = [at(input.data[i * input.columns], 0), -at(upwards[i], 1)];
    return told > level ? html`<circle cx=${x} cy=${y} r="0.025" />` : html`<rect x=${x - 0.0225} y=${y - 0.0225} width="0.045" height="0.045" />`;
  });
  return html`<svg class="samples" viewBox="-1 -1 2 2" aria-hidden="true">${marks}</svg>`;
}

/** Return what is to be said of own samples: how they are learnt, and what the pictures show of them.
 * @param {Given} of @returns {import("../../samples.js").Problem[]} */
export function notesOf({ kind, input }) {
  const plane = input.columns === 1 ? "one" : input.columns > 2 ? "many" : "";
  return [[`data.with.${kind}`, {}], ...(plane ? [/** @type {[string, any]} */ ([`data.plane.${plane}`, {}])] : [])];
}
