/** The network of the room: 2-3-2-1, one sample. Its numbers, by the engine, and what nudges change. */
import { random } from "../../draws.js";
import { ACTIVATIONS, backward, forward, fromRows, gradients, network, toRows } from "../../engine.js";

export const SIZES = [2, 3, 2, 1];
export const LAST = SIZES.length - 1;
export const LOSS = "squared";
const HIDDEN = Object.keys(ACTIVATIONS);

/** @typedef {number[][][]} Weights by layer; layer 0 has none */
/** @typedef {{weights: Weights, biases: number[][]}} Run */

const range = (/** @type {number} */ n) => Array.from({ length: n }, (_, i) => i);
/** Layers that have weights. */
export const LAYERS = range(LAST).map((l) => l + 1);

/** Return what a layer, or a neuron of it, is called everywhere in whygrad. @param {number} l @param {number} [k] */
export function place(l, k) {
  const layer = l === 0 ? "x" : l === LAST ? "output" : `hidden${l}`;
  return k === undefined ? layer : `${layer}[${k}]`;
}

/** All connections: the layer that they lead to, where they start, where they end. */
export const CONNECTIONS = LAYERS.flatMap((l) => range(SIZES[l - 1]).flatMap((j) => range(SIZES[l]).map((k) => ({ l, j, k }))));
/** All neurons, inputs among them. */
export const NEURONS = SIZES.flatMap((n, l) => range(n).map((k) => ({ l, k })));

/** @type {Weights} */
const WEIGHTS = [[], [[0.6, -0.4, 0.8], [0.3, 0.9, -0.5]], [[0.7, -0.6], [-0.8, 0.5], [0.4, 1.1]], [[0.9], [-0.7]]];
const BIASES = [[], [0.1, -0.2, 0], [0.2, -0.1], [0.1]];
const START = { x0: 1, x1: 0.5, y: -1 };

/** Return parameters as controls. @param {Weights} weights @param {number[][]} biases @returns {Record<string, number>} */
function named(weights, biases) {
  const of = CONNECTIONS.map(({ l, j, k }) => [`w${l}${j}${k}`, weights[l][j][k]]);
  return Object.fromEntries([...of, ...LAYERS.flatMap((l) => biases[l].map((one, k) => [`b${l}${k}`, one]))]);
}

/**
 * A quiet neuron on the critical path, a loud one beside it, and one whose listeners disagree: the
 * first two hear what those of the lesson `responsibility` hear, in a network that can be taken in.
 */
export const QUIET = {
  ...named(
    [[], WEIGHTS[1], [[1.5, 0.148], [0.1, 0.1], [0.4, 1.55]], [[1.6208], [-0.49]]],
    [[], [-0.69996, 1.42222, 0.54861], [0.06431, -0.64425], [0.4836]],
  ),
  x0: 1, x1: 0.5, y: 0, activation: "tanh",
};
export const PLAIN = { ...named(WEIGHTS, BIASES), ...START, activation: "tanh" };

const bounded = (/** @type {number} */ start) => ({ start, least: -5, most: 5 });
export const controls = {
  ...Object.fromEntries(Object.entries({ ...named(WEIGHTS, BIASES), ...START }).map(([name, start]) => [name, bounded(start)])),
  activation: { start: "tanh", choices: HIDDEN },
  rate: { start: 0.1, least: 0.001, most: 1 },
  seed: { start: 0, least: 0, most: 999_999, isWhole: true },
};

/** Draw another start, in tenths. @param {any} _ @param {number} seed */
export function draw(_, seed) {
  const tenth = (/** @type {any} */ from) => Math.round(from.uniform(-15, 15)) / 10;
  const found = LAYERS.flatMap((l) => {
    const from = random(seed, l);
    return Object.keys(named(WEIGHTS, BIASES)).filter((name) => name[1] === String(l)).map((name) => [name, tenth(from)]);
  });
  return { seed, ...Object.fromEntries(found) };
}

/** Return the parameters that the controls give. @param {any} set @returns {Run} */
export function begin(set) {
  return {
    weights: SIZES.map((n, l) => (l === 0 ? [] : range(SIZES[l - 1]).map((j) => range(n).map((k) => set[`w${l}${j}${k}`])))),
    biases: SIZES.map((n, l) => (l === 0 ? [] : range(n).map((k) => set[`b${l}${k}`]))),
  };
}

/** Return the controls that begin where a run has come to. @param {Run} run */
export const settle = (run) => named(run.weights, run.biases);

/** @param {string} activation of the hidden layers */
export const activationsOf = (activation) => LAYERS.map((l) => (l === LAST ? "identity" : activation));

/** @param {Run} run @param {any} set */
function walked({ weights, biases }, set) {
  const net = network({
    weights: LAYERS.map((l) => fromRows(weights[l])),
    biases: LAYERS.map((l) => fromRows([biases[l]])),
    activations: activationsOf(set.activation),
  });
  return backward(net, forward(net, fromRows([[set.x0, set.x1]])), fromRows([[set.y]]), LOSS);
}

/** Take one step down the gradient. @param {Run} run @param {any} set @returns {Run} */
export function advance(run, set) {
  const found = gradients(walked(run, set)).map(({ weight, bias }) => ({ weight: toRows(weight), bias: bias ? toRows(bias)[0] : [] }));
  return {
    weights: run.weights.map((rows, l) => rows.map((row, j) => row.map((w, k) => w - set.rate * found[l - 1].weight[j][k]))),
    biases: run.biases.map((row, l) => row.map((b, k) => b - set.rate * found[l - 1].bias[k])),
  };
}

/**
 * Return every number, by layer: layer 0 holds the inputs, which have an upstream and no slope.
 * @param {{run: Run, set: any}} here
 */
export function valuesOf({ run, set }) {
  const anatomy = walked(run, set);
  const rows = (/** @type {"preactivation" | "output" | "upstream" | "slope" | "delta"} */ what) =>
    [/** @type {number[]} */ ([]), ...anatomy.layers.map((layer) => toRows(layer[what])[0])];
  const found = { ...run, a: rows("output"), z: rows("preactivation"), u: rows("upstream"), slope: rows("slope"), delta: rows("delta"), y: set.y, loss: anatomy.loss };
  found.a[0] = [set.x0, set.x1];
  found.u[0] = found.a[0].map((_, j) => partsOf(found, 0, j).reduce((total, { part }) => total + part, 0));
  return found;
}

/** What each listener brings back to a neuron: its delta times the weight that leads to it.
 * @param {any} values @param {number} l @param {number} j */
export function partsOf(values, l, j) {
  if (l === LAST) return [];
  return range(SIZES[l + 1]).map((k) => {
    const [weight, delta] = [values.weights[l + 1][j][k], values.delta[l + 1][k]];
    return { k, weight, delta, part: weight * delta };
  });
}

/** Every way from a neuron to the loss: the neurons on it, its factors, their product.
 * @param {any} values @param {number} l @param {number} j @returns {{way: number[], factors: number[], part: number}[]} */
export function pathsOf(values, l, j) {
  if (l === LAST) return [{ way: [j], factors: [values.u[l][j]], part: values.u[l][j] }];
  return range(SIZES[l + 1]).flatMap((k) => pathsOf(values, l + 1, k).map(({ way, factors, part }) => {
    const through = [values.weights[l + 1][j][k], values.slope[l + 1][k]];
    return { way: [j, ...way], factors: [...through, ...factors], part: through[0] * through[1] * part };
  }));
}

/** Return the loss where one number is moved, and all before it held.
 * @param {{run: Run, set: any}} here @param {string} what z, a, or the name of a control
 * @param {number} l @param {number} k @param {{only?: number}} [how] only: the one listener that hears it
 * @returns {(moved: number) => number} */
export function lossBy({ run, set }, what, l, k, { only } = {}) {
  const rules = activationsOf(set.activation).map((name) => ACTIVATIONS[name].value);
  const values = valuesOf({ run, set });
  return (moved) => {
    let layer = [...values.a[l]];
    layer[k] = what === "z" ? rules[l - 1](moved) : moved;
    for (let next = l + 1; next <= LAST; next += 1) {
      const heard = (/** @type {number} */ to) => (next === l + 1 && only !== undefined && to !== only ? values.a[l] : layer);
      layer = run.biases[next].map((b, to) => rules[next - 1](run.weights[next].reduce((z, row, j) => z + heard(to)[j] * row[to], b)));
    }
    return (layer[0] - set.y) ** 2 / 2;
  };
}

/** Return the loss where one parameter is moved. @param {{run: Run, set: any}} here @param {string} name */
export function lossByParameter({ run, set }, name) {
  return (/** @type {number} */ moved) => {
    const parameters = begin({ ...named(run.weights, run.biases), [name]: moved });
    return walked(parameters, set).loss;
  };
}
