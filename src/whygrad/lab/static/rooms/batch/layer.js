/**
 * One layer and its batch, by the engine: 2 inputs, or as many as the reader's own samples have, 3 sigmoid
 * neurons, m samples, all numbers by name. `d12` is δ of neuron 1 and sample 2, `gw31` the gradient of the weight of neuron 3 from
 * input 1. Names do not know the orientation, so turning the tables changes no number.
 */
import { backward, forward, fromRows, gradient, network } from "../../engine.js";
import { own } from "../../state.js";

export const NEURONS = 3;
const INPUTS = 2; // of the samples that can be dragged
export const MOST_INPUTS = 4; // more would be too narrow to be read
export const MOST = 8; // samples
const LOSS = "squared";

/** Of what sort the numbers are, in which order, and by what they are counted.
 * @type {Record<string, {rows: "neuron" | "input", columns: "sample" | "input" | "one"}>} */
export const SORTS = {
  x: { rows: "input", columns: "sample" }, w: { rows: "neuron", columns: "input" }, b: { rows: "neuron", columns: "one" },
  z: { rows: "neuron", columns: "sample" }, a: { rows: "neuron", columns: "sample" }, y: { rows: "neuron", columns: "sample" },
  s: { rows: "neuron", columns: "sample" }, d: { rows: "neuron", columns: "sample" }, gb: { rows: "neuron", columns: "one" }, gw: { rows: "neuron", columns: "input" },
  nb: { rows: "neuron", columns: "one" },
};

/** Return how many inputs the layer has. */
export const inputs = () => own.value?.input.columns ?? INPUTS;

/** Return a number of the batch: a control or, where the reader brought samples, one of these. All neurons
 * are to tell the same then. @param {any} set @param {"x" | "y"} sort @param {number} row @param {number} i */
export function given(set, sort, row, i) {
  if (!own.value) return set[`${sort}${row}${i}`];
  const { input, target } = own.value;
  return sort === "x" ? input.data[(i - 1) * input.columns + row - 1] : target.data[i - 1];
}

/** Return the control of a number; none where the reader brought it. @param {any} here @param {string} name */
export const controlOf = ({ room }, name) => (own.value && /^[xy]\d/.test(name) ? undefined : room.controls[name]);

/** Return how many samples there are at most. @param {import("../../samples.js").Own | null} samples */
export const mostSamples = (samples) => Math.min(MOST, samples?.input.rows ?? MOST);

/** Return controls as samples let them stand. @param {any} set @param {import("../../samples.js").Own | null} samples */
export const fitted = (set, samples) => ({ ...set, samples: Math.min(set.samples, mostSamples(samples)) });

/** Return what is to be said of the reader's own samples. @param {import("../../samples.js").Own} of @param {any} set
 * @returns {import("../../samples.js").Problem[]} */
export function notesOf(of, { samples }) {
  const rows = Math.min(samples, of.input.rows);
  return [["batch.own", { samples: String(rows), rows }]];
}

/** Return 1, 2, ... as many as there are. @param {number} count */
export const upTo = (count) => Array.from({ length: count }, (_, i) => i + 1);

/** Without keepdims the gradient has lost an axis: (3, 1) − (3,) is (3, 3). Rows need no keepdims.
 * @param {any} set */
export const isTrap = (set) => set.layout === "columns" && !set.keepdims;

/** Where b has become a table, a single sample is copied to every column of it, and nothing complains
 * before the product of W's gradient. @param {{set: any, run: any}} here */
export const isSpread = ({ set, run }) => set.samples === 1 && run.bias[0].length > 1;

/** Return how many numbers there are across: of samples, inputs, or columns that a bias has.
 * @param {string} sort @param {{set: any, run: any}} here */
export function columnsOf(sort, here) {
  const { set, run } = here;
  const { columns } = SORTS[sort];
  if (columns === "one") return sort === "gb" ? 1 : sort === "b" ? run.bias[0].length : isTrap(set) ? NEURONS : run.bias[0].length;
  if (columns === "sample") return isSpread(here) && !"xy".includes(sort) ? NEURONS : set.samples;
  return inputs();
}

/** Return which sample a column is of. @param {{set: any}} here @param {number} column */
export const sampleOf = ({ set }, column) => Math.min(column, set.samples);

/** @param {string} sort */
export const rowsOf = (sort) => (SORTS[sort].rows === "input" ? inputs() : NEURONS);

/** Take a name apart: its sort, its row, its column. @param {string} name */
export function placeOf(name) {
  const [, sort, row, column] = /^([a-z]+)(\d)(\d?)$/.exec(name) ?? ["", "", "0", "0"];
  return { sort, row: Number(row), column: Number(column || 1) };
}

/** Return a name. A bias that is a single column needs no number for it.
 * @param {string} sort @param {number} row @param {number} column @param {boolean} [isSquare] */
export function nameOf(sort, row, column, isSquare = false) {
  return SORTS[sort].columns === "one" && !isSquare ? `${sort}${row}` : `${sort}${row}${column}`;
}

/** Return all of the layer's numbers, by name, and the mean loss. Where b has become a table that
 * fits no batch, there is nothing to compute: NaN.
 * @param {{set: any, run: any}} here @returns {Record<string, number>} */
export function valuesOf(here) {
  const { set, run } = here;
  /** @type {Record<string, number>} */
  const values = { loss: NaN, samples: set.samples };
  const put = (/** @type {string} */ sort, /** @type {(row: number, column: number) => number} */ value) => {
    const across = columnsOf(sort, here);
    const isSquare = SORTS[sort].columns === "one" && across > 1;
    for (const row of upTo(rowsOf(sort))) for (const column of upTo(across)) values[nameOf(sort, row, column, isSquare)] = value(row, column);
  };
  const walked = walk(here, run.weight, run.bias);
  const entry = (/** @type {string} */ part, /** @type {number} */ row, /** @type {number} */ i) => walked ? walked[part][i - 1][row - 1] : NaN;
  put("x", (j, i) => given(set, "x", j, i));
  put("y", (k, i) => given(set, "y", k, i));
  put("w", (k, j) => run.weight[k - 1][j - 1]);
  put("b", (k, c) => run.bias[k - 1][c - 1]);
  put("z", (k, i) => entry("preactivation", k, i));
  put("a", (k, i) => entry("output", k, i));
  put("s", (k, i) => entry("slope", k, i));
  put("d", (k, i) => entry("delta", k, i));
  const factor = set.divide === "mean" ? 1 : set.samples;
  const isStopped = isSpread(here);
  put("gb", (k) => (walked ? walked.biasGradient[k - 1] * factor : NaN));
  put("gw", (k, j) => (walked && !isStopped ? walked.weightGradient[j - 1][k - 1] * factor : NaN));
  const rate = rateOf(set);
  put("nb", (k, c) => isStopped ? NaN : values[run.bias[0].length > 1 ? `b${k}${c}` : `b${k}`] - rate * values[`gb${isTrap(set) ? c : k}`]);
  values.loss = walked && !isStopped ? walked.loss * factor : NaN;
  return values;
}

/** Return the rate that a step is taken with. @param {any} set */
export const rateOf = (set) => (set.divide === "rate" ? set.rate / set.samples : set.rate);

/** Return what the engine finds of the batch, by samples; of single samples, where each has another bias.
 * @param {{set: any}} here @param {number[][]} weight @param {number[][]} bias @returns {any} */
function walk({ set }, weight, bias) {
  const across = bias[0].length;
  if (across === 1) return walkedBy(set, weight, bias.map(([one]) => one), upTo(set.samples));
  if (![1, across].includes(set.samples)) return null;
  /** @type {any[]} */
  const all = upTo(across).map((i) => walkedBy(set, weight, bias.map((row) => row[i - 1]), [sampleOf({ set }, i)]));
  const mean = (/** @type {(one: any) => number} */ of) => all.reduce((total, one) => total + of(one) / set.samples, 0);
  return {
    ...Object.fromEntries(["preactivation", "output", "slope", "delta"].map((part) => [part, all.map((one) => one[part][0])])),
    biasGradient: upTo(NEURONS).map((k) => mean((one) => one.biasGradient[k - 1])),
    weightGradient: upTo(inputs()).map((j) => upTo(NEURONS).map((k) => mean((one) => one.weightGradient[j - 1][k - 1]))),
    loss: mean((one) => one.loss),
  };
}

/** @param {any} set @param {number[][]} weight @param {number[]} bias @param {number[]} samples */
function walkedBy(set, weight, bias, samples) {
  const turned = upTo(inputs()).map((j) => weight.map((row) => row[j - 1]));
  const net = network({ weights: [fromRows(turned)], biases: [fromRows([bias])], activations: ["sigmoid"] });
  const batch = (/** @type {"x" | "y"} */ sort, /** @type {number} */ count) => fromRows(samples.map((i) => upTo(count).map((row) => given(set, sort, row, i))));
  const anatomy = backward(net, forward(net, batch("x", inputs())), batch("y", NEURONS), LOSS);
  const [layer] = anatomy.layers;
  const rows = (/** @type {import("../../engine.js").Matrix} */ { rows, columns, data }) => Array.from({ length: rows }, (_, i) => [...data.subarray(i * columns, (i + 1) * columns)]);
  const found = gradient(layer);
  return {
    preactivation: rows(layer.preactivation), output: rows(layer.output), slope: rows(layer.slope), delta: rows(layer.delta),
    loss: anatomy.loss, weightGradient: rows(found.weight), biasGradient: found.bias ? rows(found.bias)[0] : [],
  };
}

/** Return the loss as a function of one number, all others held: that of the batch, or with a
 * sample that sample's.
 * @param {{set: any, run: any}} here @param {string} name */
export function lossBy(here, name) {
  const { sort, row, column } = placeOf(name);
  const { set, run } = here;
  const factor = set.divide === "mean" ? 1 : set.samples;
  const moved = (/** @type {number[][]} */ of, /** @type {number} */ to) => of.map((line, k) => line.map((one, c) => (k === row - 1 && (sort === "b" || c === column - 1) ? to : one)));
  if (sort === "w") return (/** @type {number} */ to) => factor * walk(here, moved(run.weight, to), run.bias).loss;
  return (/** @type {number} */ to) => factor * walk(here, run.weight, moved(run.bias, to)).loss;
}
