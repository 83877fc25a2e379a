/** Pictures of what a neuron, or a whole network, says of every point of the plane. */
import { html, useEffect, useRef } from "../../vendor/preact.js";
import { ACTIVATIONS } from "../../engine.js";
import { theme } from "../../state.js";

export const REACH = 1.6; // of both inputs: all samples lie within
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
      const value = valueAt(((2 * column + 1) / size - 1) * REACH, (1 - (2 * row + 1) / size) * REACH);
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

/** Return what a hidden neuron says of a point. @param {import("../../engine.js").Network} of @param {number} k */
export function neuronAt({ layers: [hidden] }, k) {
  const { weight, bias, activation } = hidden;
  const { value } = ACTIVATIONS[activation];
  const [first, second, b] = [weight.data[k], weight.data[weight.columns + k], /** @type {any} */ (bias).data[k]];
  return (/** @type {number} */ x, /** @type {number} */ y) => value(first * x + second * y + b);
}

/** Return what a network says of a point: -1 for certainly class 0, 1 for certainly class 1.
 * @param {import("../../engine.js").Network} of */
export function networkAt({ layers: [hidden, output] }) {
  const n = hidden.weight.columns;
  const { value } = ACTIVATIONS[hidden.activation];
  const [into, b, out] = [hidden.weight.data, /** @type {any} */ (hidden.bias).data, output.weight.data];
  const offset = /** @type {any} */ (output.bias).data[0];
  return (/** @type {number} */ x, /** @type {number} */ y) => {
    let z = offset;
    for (let k = 0; k < n; k++) z += out[k] * value(into[k] * x + into[n + k] * y + b[k]);
    return Math.tanh(z / 2); // 2 · sigmoid(z) − 1
  };
}

/** Return where the line runs on which a neuron's z is 0, from edge to edge of a picture; none if nowhere.
 * @param {import("../../engine.js").Network} of @param {number} k */
export function lineOf({ layers: [hidden] }, k) {
  const { weight, bias } = hidden;
  const [first, second, b] = [weight.data[k], weight.data[weight.columns + k], /** @type {any} */ (bias).data[k]];
  const length = Math.hypot(first, second);
  if (length < 1e-9) return null;
  const [x, y] = [(-b * first) / length ** 2, (-b * second) / length ** 2];
  const far = 4 * REACH;
  return [[x - (far * second) / length, y + (far * first) / length], [x + (far * second) / length, y - (far * first) / length]];
}

/** Samples on top of a picture: class 1 as filled discs, class 0 as open squares.
 * @param {{input: import("../../engine.js").Matrix, target: import("../../engine.js").Matrix}} props */
export function Samples({ input, target }) {
  const marks = Array.from(target.data, (one, i) => {
    const [x, y] = [input.data[2 * i], -input.data[2 * i + 1]];
    return one ? html`<circle cx=${x} cy=${y} r="0.04" />` : html`<rect x=${x - 0.036} y=${y - 0.036} width="0.072" height="0.072" />`;
  });
  return html`<svg class="samples" viewBox=${`${-REACH} ${-REACH} ${2 * REACH} ${2 * REACH}`} aria-hidden="true">${marks}</svg>`;
}
