/** The same layer as a program: four libraries, both orientations, the shape of every line. */
import { html } from "../../vendor/preact.js";
import { packed } from "../../state.js";
import { inputs, isSpread, isTrap, NEURONS } from "./layer.js";
import { shapeOf } from "./tables.js";

/** @typedef {{import: string, sigmoid: (z: string) => string, sum: (of: string, axis: number, keeps: boolean) => string,
 *   turned: (of: string) => string}} Library how a library writes what is not the same in all */

/** @param {string} call @param {string} axis @param {string} keeps @returns {Library["sum"]} */
const sumBy = (call, axis, keeps) => (of, at, isKept) => `${call}(${of}, ${axis}=${at}${isKept ? `, ${keeps}=True` : ""})`;
/** @param {string} of */
const turned = (of) => `${of}.T`;

/** @type {Record<string, Library>} */
export const LIBRARIES = {
  NumPy: { import: "import numpy as np", sigmoid: (z) => `1 / (1 + np.exp(-${z}))`, sum: sumBy("np.sum", "axis", "keepdims"), turned },
  PyTorch: { import: "import torch", sigmoid: (z) => `torch.sigmoid(${z})`, sum: sumBy("torch.sum", "dim", "keepdim"), turned },
  TensorFlow: { import: "import tensorflow as tf", sigmoid: (z) => `tf.sigmoid(${z})`, sum: sumBy("tf.reduce_sum", "axis", "keepdims"), turned: (of) => `tf.transpose(${of})` },
  JAX: { import: "import jax, jax.numpy as jnp", sigmoid: (z) => `jax.nn.sigmoid(${z})`, sum: sumBy("jnp.sum", "axis", "keepdims"), turned },
};

/** @typedef {{text: string, is?: "shape" | "wrong"}} Line */

/** Return the program as lines; those that say shapes are comments.
 * @param {{set: any, run: any}} here @returns {Line[]} */
export function linesOf(here) {
  const { set } = here;
  const isColumns = set.layout === "columns";
  const names = isColumns ? { x: "A_prev", z: "Z", a: "A", y: "Y", d: "Delta" } : { x: "input", z: "z", a: "a", y: "y", d: "delta" };
  const { sigmoid, sum, turned } = LIBRARIES[set.library];
  const of = (/** @type {string} */ sort) => shapeOf(sort, here);
  const shape = (/** @type {string} */ text, isWrong = false) => /** @type {Line} */ ({ text: `# ${text}`, is: isWrong ? "wrong" : "shape" });
  const mean = set.divide === "mean" ? " / m" : "";
  const rate = set.divide === "rate" ? "rate / m" : "rate";
  const [m, first, second] = [set.samples, isColumns ? ["w", "x"] : ["x", "w"], isColumns ? "d" : "x"];
  const pair = { x: `(${m}, ${inputs()})`, d: `(${m}, ${NEURONS})` };
  const product = isColumns ? `${names.d} @ ${turned(names.x)}` : `${turned(names.x)} @ ${names.d}`;
  const shapes = isColumns ? `${of("d")} @ ${pair.x}` : `(${inputs()}, ${m}) @ ${of(second === "x" ? "d" : "x")}`;
  const isBroken = here.run.bias[0].length > 1;
  return [
    shape(`${of(first[0])} @ ${of(first[1])} + ${of("b")}`, isBroken),
    { text: isColumns ? `${names.z} = W @ ${names.x} + b` : `${names.z} = ${names.x} @ W + b` },
    { text: `${names.a} = ${sigmoid(names.z)}` },
    { text: `${names.d} = (${names.a} - ${names.y}) * ${names.a} * (1 - ${names.a})` },
    shape(`${of("d")} → ${of("gb")}`, isTrap(set)),
    { text: `db = ${sum(names.d, isColumns ? 1 : 0, isColumns && set.keepdims)}${mean}` },
    isSpread(here) ? shape(shapes, true) : shape(`${shapes} → ${of("gw")}`),
    { text: `dW = ${product}${mean}` },
    shape(`${of("b")} - ${of("gb")} → ${of("nb")}`, isTrap(set)),
    { text: `b = b - ${rate} * db` },
    { text: `W = W - ${rate} * dW` },
  ];
}

// what stands for the numbers of samples and of inputs where JAX was asked
const [SAMPLES, INPUTS] = [/\b97\b/g, /\b89\b/g];

/** Return what JAX makes of the way back, as it said itself when the page was written: of a single
 * sample, whose b is not copied, something else. @param {any} set @returns {string} */
export function jaxprOf({ layout, samples }) {
  const said = packed.facts?.batch?.[layout]?.[samples === 1 ? "one" : "many"] ?? "";
  return said.replace(SAMPLES, samples).replace(INPUTS, String(inputs()));
}

/** @param {{here: any}} props */
export function Code({ here }) {
  const lines = linesOf(here);
  return html`<pre class="code"><code>${lines.map(({ text, is }) => html`<span class=${is ?? ""}>${`${text}${is === "wrong" ? "  ✗" : ""}\n`}</span>`)}</code></pre>`;
}
