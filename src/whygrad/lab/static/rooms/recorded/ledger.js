/**
 * The ledger of a weight, a bias or a neuron at a whole step: what Python recorded, and the same
 * multiplied out again from the samples.
 *
 * @typedef {{four: number[], gradient: number, signed: number | null, before: number | null,
 *   movement: number | null, recorded: number | null}} Ledger
 *   `recorded` is the gradient as Python found it, `signed` it or, where it does not travel, our own
 */
import { array, FACTORS, run } from "./data.js";

const ratio = (/** @type {number} */ part, /** @type {number} */ whole) => (whole === 0 ? 0 : part / whole);

/** Return whether all samples of the step are there. @param {any} whole */
export const isComplete = (whole) => whole.rows !== null && whole.rows.numbers.length === whole.rows.of;

/** Return where a weight stands among those that were kept, or -1.
 * @param {any} whole @param {number} neurons @param {number} neuron @param {number} input */
function keptAt({ weights }, neurons, neuron, input) {
  if (!weights.places) return input * neurons + neuron;
  const places = array(weights, "places", "u4");
  for (let i = 0; i < weights.count; i++) if (places[i * neurons + neuron] === input) return i * neurons + neuron;
  return -1;
}

/** Return the weights of a neuron that were kept, largest gradient first: their inputs and gradients.
 * @param {any} whole @param {number} neurons @param {number} neuron @param {number} most */
export function strongest({ weights }, neurons, neuron, most) {
  const gradients = array(weights, "gradient");
  const places = weights.places ? array(weights, "places", "u4") : null;
  const all = Array.from({ length: weights.count }, (_, i) => {
    const at = i * neurons + neuron;
    return { input: places ? places[at] : i, gradient: gradients[at] };
  });
  return all.sort((one, other) => Math.abs(other.gradient) - Math.abs(one.gradient)).slice(0, most);
}

/** Return each sample's term of a gradient: its share in the mean times input times delta. Of a neuron,
 * input is projected on the mean gradient, and the terms sum to its norm.
 * @param {any} whole @param {number} neuron @param {string} weight an input, "bias", or "" for the neuron */
export function termsOf(whole, neuron, weight) {
  const { share, delta, input, count, neurons, inputs } = samplesOf(whole);
  if (weight !== "") {
    const j = Number(weight);
    return Float64Array.from({ length: count }, (_, i) => share[i] * (weight === "bias" ? 1 : input[i * inputs + j]) * delta[i * neurons + neuron]);
  }
  const mean = meanOf(whole, neuron);
  const norm = Math.hypot(...mean) || 1;
  return Float64Array.from({ length: count }, (_, i) => {
    let along = 0;
    for (let j = 0; j < inputs; j++) along += input[i * inputs + j] * mean[j];
    return (share[i] * along * delta[i * neurons + neuron]) / norm;
  });
}

/** Return the mean gradient of a neuron's weights over the samples that are there.
 * @param {any} whole @param {number} neuron */
function meanOf(whole, neuron) {
  const { share, delta, input, count, neurons, inputs } = samplesOf(whole);
  const mean = new Float64Array(inputs);
  for (let i = 0; i < count; i++) {
    const error = share[i] * delta[i * neurons + neuron];
    for (let j = 0; j < inputs; j++) mean[j] += error * input[i * inputs + j];
  }
  return mean;
}

/** Return the samples of a layer as arrays. @param {any} whole */
export function samplesOf({ rows }) {
  const count = rows.numbers.length;
  const [share, input, delta, upstream] = ["share", "input", "delta", "upstream"].map((name) => array(rows, name));
  const slope = rows.slope === null ? null : array(rows, "slope");
  return { share, input, delta, upstream, slope, count, neurons: delta.length / count, inputs: input.length / count };
}

/** Return the ledger; null where neither Python's gradient nor the samples for our own are there.
 * @param {any} whole @param {number} layer @param {number} neuron @param {string} weight @returns {Ledger | null} */
export function ledgerOf(whole, layer, neuron, weight) {
  const { neurons } = run().layers[layer];
  const factors = array(whole, "factors");
  const [upstream, slope, input, agreement] = FACTORS.map((_, f) => factors[f * neurons + neuron]);
  if (weight === "") {
    const gradient = array(whole, "gradient")[neuron];
    return { four: [upstream, slope, input, agreement], gradient, signed: gradient, before: null, movement: null, recorded: gradient };
  }
  const through = array(whole, "through")[neuron];
  const from = weight === "bias" ? whole.bias : whole.weights;
  const at = weight === "bias" ? neuron : keptAt(whole, neurons, neuron, Number(weight));
  const isKept = from !== null && at >= 0;
  if (!isKept && !isComplete(whole)) return null;
  const recorded = isKept ? array(from, "gradient")[at] : null;
  const terms = isComplete(whole) ? termsOf(whole, neuron, weight) : null;
  const signed = recorded ?? sum(terms);
  const pulls = weight === "bias" ? through : isKept ? array(from, "pulls")[at] : sum(terms?.map(Math.abs));
  const four = [upstream, slope, weight === "bias" ? 1 : ratio(pulls, through), Math.min(ratio(Math.abs(signed), pulls), 1)];
  const [before, movement] = isKept ? ["before", "movement"].map((name) => array(from, name)[at]) : [null, null];
  return { four, gradient: Math.abs(signed), signed, before, movement, recorded };
}

/** @param {any} values @returns {number} */
export const sum = (values) => values.reduce((/** @type {number} */ all, /** @type {number} */ one) => all + one, 0);

/** Return the gradient once more, from the samples alone; of a neuron the norm over its weights.
 * @param {any} whole @param {number} neuron @param {string} weight */
export function again(whole, neuron, weight) {
  return weight === "" ? Math.hypot(...meanOf(whole, neuron)) : sum(termsOf(whole, neuron, weight));
}

/** Return the chain of one sample: its numbers, and whether upstream times slope is delta, which for a
 * softmax with another loss it is not. @param {any} whole @param {number} neuron @param {string} weight @param {number} at */
export function chainOf(whole, neuron, weight, at) {
  const { share, input, delta, upstream, slope, neurons, inputs } = samplesOf(whole);
  const i = at * neurons + neuron;
  const one = slope ? slope[i] : ratio(delta[i], upstream[i]);
  const reach = weight === "bias" ? 1 : weight === "" ? Math.hypot(...input.slice(at * inputs, (at + 1) * inputs)) : input[at * inputs + Number(weight)];
  const isProduct = Math.abs(upstream[i] * one - delta[i]) <= 1e-4 * Math.abs(delta[i]) + 1e-30 || !Number.isFinite(delta[i]);
  return { share: share[at], input: reach, delta: delta[i], upstream: upstream[i], slope: one, isProduct, term: termsOf(whole, neuron, weight)[at] };
}

/** Return what a weight, a bias or a neuron is called in Python. @param {number} layer @param {number} neuron @param {string} weight */
export function addressOf(layer, neuron, weight) {
  const one = run().layers[layer];
  if (neuron < 0) return one.name;
  if (weight === "") return `${one.name}[${neuron}]`;
  if (weight === "bias") return `${one.bias}[${neuron + one.first[1]}]`;
  const others = one.shape.map((/** @type {number} */ _, /** @type {number} */ axis) => axis).filter((/** @type {number} */ axis) => !one.axes.includes(axis));
  /** @type {number[]} */
  const index = [];
  for (const [axes, number] of [[one.axes, neuron], [others, Number(weight)]]) {
    let left = number;
    for (const axis of [...axes].reverse()) {
      index[axis] = left % one.shape[axis];
      left = Math.floor(left / one.shape[axis]);
    }
  }
  index[0] += one.first[0];
  return `${one.weight}[${index.join(", ")}]`;
}
