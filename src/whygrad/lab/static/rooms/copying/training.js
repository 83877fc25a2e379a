/** The runs of the room: sixteen neurons and, beside them, the one neuron that they may be. */
import { create } from "../../draws.js";
import { apart, backward, effectiveWidth, firstState, forward, fromRows, gradients, matrix, network, takeStep } from "../../engine.js";
import { own, packed } from "../../state.js";

/** @typedef {import("../../engine.js").Network} Network */
/** @typedef {import("../../engine.js").State} State */
/** @typedef {{loss: number, apart: number, one: number | null, before: Curve | null}} Curve a step, and
 *  those before it: runs share what they have in common */
/** @typedef {{state: State, one: State | null, start: Network, curve: Curve | null, parted: number}} Run
 *  `parted`: the first step at which there is more than one different neuron; -1 while there is none */

export const NUDGE = 1e-6; // of the weight that is touched
const SPREAD = 0.1; // of random biases
const EPSILON = 1e-8; // Adam's
export const RANDOM = "glorot_normal"; // what lessons draw from for curved activations
/** How the output tells what is to be learnt, and what its errors cost. @type {Record<string, {output: string, loss: string}>} */
const TELLING = {
  classes: { output: "sigmoid", loss: "binary_cross_entropy" },
  quantity: { output: "identity", loss: "squared" },
};

/** @type {import("../../samples.js").Samples} */
let circles;

/** Return what is learnt from: the reader's own samples, or whygrad's circles, which travel with the
 * reference of the room. @returns {import("../../samples.js").Samples} */
export function samples() {
  if (!circles) {
    const { input, target } = packed.references.find((/** @type {any} */ one) => one.room === "copying").batch;
    circles = { kind: "classes", input: fromRows(input), target: fromRows(target) };
  }
  return own.value ?? circles;
}

export const telling = () => TELLING[samples().kind];
export const inputs = () => samples().input.columns;

/** Return the sizes of the layers of a network that is this wide. @param {any} set */
export const sizesOf = (set) => [inputs(), set.width, 1];

/** @param {any} set */
export const settingsOf = (set) => ({ loss: telling().loss, optimizer: set.optimizer, learning_rate: set.rate });

/** Return whether a single neuron can stand in for all: they start alike. @param {any} set */
export const isAlike = (set) => set.start === "constant";

/** Return how weights and biases start: what is random of them is drawn, all else is a constant.
 * @param {any} set */
export function initOf({ start, constant }) {
  const same = `constant:${constant}`;
  const into = start === "random" ? RANDOM : same;
  return { init: [into, start === "out" ? RANDOM : into], biasInit: start === "biases" ? `normal:${SPREAD}` : "zeros" };
}

/** Return the network that a start stands for. @param {any} set @returns {Network} */
export function startOf(set) {
  const shape = { sizes: sizesOf(set), activations: [set.activation, telling().output], seed: set.seed };
  return touched(create({ ...shape, ...initOf(set) }), set, 0);
}

/** Return a network with its first weight touched, if that is when it is. @param {Network} of
 * @param {any} set @param {number} step @returns {Network} */
function touched(of, { touch }, step) {
  if (touch !== step) return of;
  const [hidden, ...others] = of.layers;
  const weight = matrix(hidden.weight.rows, hidden.weight.columns, hidden.weight.data);
  weight.data[0] += NUDGE;
  return { ...of, layers: [{ ...hidden, weight }, ...others] };
}

/** Return the one neuron that does what all copies do together: its weight out is theirs added up.
 * @param {Network} of */
function standIn({ layers: [hidden, output] }) {
  const { rows, columns, data } = hidden.weight;
  const into = matrix(rows, 1, Array.from({ length: rows }, (_, j) => data[j * columns]));
  const out = output.weight.data.reduce((total, value) => total + value, 0);
  return network({
    weights: [into, matrix(1, 1, [out])],
    biases: [matrix(1, 1, [/** @type {any} */ (hidden.bias).data[0]]), output.bias],
    activations: [hidden.activation, output.activation],
  });
}

/** Return a run before its first step. @param {any} set @returns {Run} */
export function begin(set) {
  const start = startOf(set);
  const settings = settingsOf(set);
  const one = isAlike(set) ? firstState(standIn(startOf({ ...set, touch: -1 })), settings) : null;
  return { state: firstState(start, settings), one, start, curve: null, parted: firstParted(-1, start, 0) };
}

/** @param {number} parted @param {Network} of @param {number} step */
const firstParted = (parted, of, step) => (parted < 0 && effectiveWidth(of).hidden1 > 1 ? step : parted);

/** @param {Run} run @param {any} set @returns {Run} */
export function advance(run, set) {
  const settings = settingsOf(set);
  const { state, anatomy } = takeStep(run.state, samples(), settings);
  const after = { ...state, network: touched(state.network, set, state.step) };
  const one = run.one && takeOne(run.one, settings, set.width);
  const curve = { loss: anatomy.loss, apart: apart(run.state.network).hidden1, one: one && one.loss, before: run.curve };
  return { state: after, one: one && one.state, start: run.start, curve, parted: firstParted(run.parted, after.network, after.step) };
}

/** Take the step of the one neuron. A copy's gradient is 1/n of its own, and n weights out move by the
 * same step: so the rates are matched. @param {State} state @param {any} settings @param {number} n */
function takeOne(state, settings, n) {
  const rate = settings.learning_rate;
  const isAdam = settings.optimizer === "adam"; // divides by the size of the gradient, and an epsilon
  const into = takeStep(state, samples(), isAdam ? { ...settings, epsilon: n * EPSILON } : { ...settings, learning_rate: rate / n });
  const out = takeStep(state, samples(), { ...settings, learning_rate: n * rate }).state;
  const own = takeStep(state, samples(), settings).state;
  const [hidden] = into.state.network.layers;
  const output = { ...out.network.layers[1], bias: own.network.layers[1].bias };
  return {
    loss: into.anatomy.loss,
    state: { ...own, network: { ...own.network, layers: [hidden, output] }, optimizer: [into.state.optimizer[0], own.optimizer[1]] },
  };
}

/** @type {WeakMap<State, any>} */
const seen = new WeakMap();

/** Return the anatomy of a state and its gradients. @param {State} state */
export function lookedAt(state) {
  let found = seen.get(state);
  if (!found) {
    const { input, target } = samples();
    const anatomy = backward(state.network, forward(state.network, input), target, telling().loss);
    found = { anatomy, gradients: gradients(anatomy), loss: anatomy.loss };
    seen.set(state, found);
  }
  return found;
}

/** Return the loss of a network that is not trained. @param {Network} of */
export function lossOf(of) {
  const { input, target } = samples();
  return backward(of, forward(of, input), target, telling().loss).loss;
}

/** Return the values of a curve and, at its end, that of now. @param {Run} run */
export function curvesOf(run) {
  const found = [{ loss: lookedAt(run.state).loss, apart: apart(run.state.network).hidden1, one: run.one && lookedAt(run.one).loss }];
  for (let at = run.curve; at; at = at.before) found.push(at);
  return found.reverse();
}

const PARTS = /** @type {[string, number, "weight" | "bias"][]} */ ([
  ["weightsIn", 0, "weight"], ["biases", 0, "bias"], ["weightsOut", 1, "weight"], ["outputBias", 1, "bias"],
]);

/** Return how far the most moved number of each part is from where it started. @param {Run} run */
export function movedOf({ state, start }) {
  return Object.fromEntries(PARTS.map(([name, l, part]) => {
    const [now, then] = [state.network, start].map((of) => /** @type {any} */ (of.layers[l][part]).data);
    return [name, now.reduce((/** @type {number} */ most, /** @type {number} */ value, /** @type {number} */ i) => Math.max(most, Math.abs(value - then[i])), 0)];
  }));
}

/** Return the loss of whoever sees no input: who knows only how often each class comes, or the mean. */
export function guessing() {
  const { kind, target } = samples();
  const mean = target.data.reduce((total, one) => total + one, 0) / target.rows;
  if (kind === "quantity") return target.data.reduce((total, one) => total + (one - mean) ** 2, 0) / target.rows / 2;
  return -mean * Math.log(mean) - (1 - mean) * Math.log(1 - mean);
}
