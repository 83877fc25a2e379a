/** The sum over samples, in two orders: one after another, and as a tree of warps, blocks and cards.
 * All of it in float32, as a card adds; every round is counted, none is timed. */
import { random } from "../../draws.js";
import { backward, forward, matrix, network, sampleLosses } from "../../engine.js";

export const WARP = 32; // threads that take every step together
export const BLOCK = 256; // threads that share memory
export const LOSS = "squared";
const WEIGHT = 1.5;
export const BIAS = 0.5;
const POSITIVE = 0.3; // of the targets are 1

const one = (/** @type {number} */ value) => matrix(1, 1, [value]);
const neuron = (/** @type {number} */ bias) => network({ weights: [one(WEIGHT)], biases: [one(bias)], activations: ["sigmoid"] });

/** Return how many terms there are, and on how many cards. @param {any} set */
export const sizesOf = (set) => ({ m: 2 ** Math.round(set.power), cards: Number(set.cards) });

/** Return the samples that one neuron sees. @param {number} m @param {number} seed */
export function samplesOf(m, seed) {
  const [inputs, targets] = [random(seed, 0), random(seed, 1)];
  const of = (/** @type {() => number} */ draw) => matrix(m, 1, Array.from({ length: m }, draw));
  return { x: of(() => inputs.normal()), y: of(() => (targets.uniform() < POSITIVE ? 1 : 0)) };
}

/** Return the mean loss of the samples, as a function of the bias. @param {number} m @param {number} seed */
export function lossByBias(m, seed) {
  const { x, y } = samplesOf(m, seed);
  return (/** @type {number} */ bias) => backward(neuron(bias), forward(neuron(bias), x), y, LOSS).loss;
}

/** Return the loss of one sample, as a function of its z. @param {number} target */
export const lossByZ = (target) => (/** @type {number} */ z) => {
  const a = 1 / (1 + Math.exp(-z));
  return sampleLosses(LOSS, "sigmoid", { name: "", input: one(0), preactivation: one(z), output: one(a) }, one(target))[0];
};

/** @type {Map<string, any>} */
const known = new Map();

/** Return the δ of every sample, exactly and in float32. @param {number} m @param {number} seed
 * @returns {{terms: number[], delta: Float64Array, z: Float64Array, slope: Float64Array, upstream: Float64Array, y: Float64Array}} */
export function deltasOf(m, seed) {
  const key = `${m} ${seed}`;
  if (!known.has(key)) {
    const { x, y } = samplesOf(m, seed);
    const net = neuron(BIAS);
    const [layer] = backward(net, forward(net, x), y, LOSS).layers;
    const data = { delta: layer.delta.data, z: layer.preactivation.data, slope: layer.slope.data, upstream: layer.upstream.data, y: y.data };
    if (known.size > 40) known.clear();
    known.set(key, { terms: [...data.delta].map(Math.fround), ...data });
  }
  return known.get(key);
}

/**
 * Return the rounds of the tree: in each, a thread adds what another one holds, `apart` places on.
 * Cards exchange their sums instead, so that afterwards all of them hold the same.
 * @param {number} m @param {number} cards @returns {{kind: "warp" | "block" | "card" | "cards", apart: number, active: number}[]}
 */
export function roundsOf(m, cards) {
  const each = m / cards;
  const [lanes, block] = [Math.min(WARP, each), Math.min(BLOCK, each)];
  /** @type {any[]} */
  const found = [];
  let active = m;
  const fold = (/** @type {string} */ kind, /** @type {number} */ from, /** @type {number} */ unit) => {
    for (let apart = from / 2; apart >= unit; apart /= 2) {
      if (kind !== "cards") active /= 2;
      found.push({ kind, apart, active });
    }
  };
  fold("warp", lanes, 1);
  fold("block", block, lanes);
  fold("card", each, block);
  fold("cards", m, each);
  return found;
}

/** Return what every thread holds after each round; NaN where it has handed its sum on.
 * @param {number[]} terms @param {number} cards @returns {number[][]} */
export function treeOf(terms, cards) {
  const all = [[...terms]];
  for (const { kind, apart } of roundsOf(terms.length, cards)) {
    const before = all[all.length - 1];
    all.push(before.map((value, i) => {
      if (Number.isNaN(value)) return NaN;
      if (kind === "cards") return Math.fround(value + before[i ^ apart]);
      return i & apart ? NaN : Math.fround(value + before[i + apart]);
    }));
  }
  return all;
}

/** Return the sums on the way, one term after another. @param {number[]} terms */
export function queueOf(terms) {
  /** @type {number[]} */
  const sums = [];
  for (const term of terms) sums.push(sums.length === 0 ? term : Math.fround(sums[sums.length - 1] + term));
  return sums;
}

/** Return how often a term is rounded on its way. @param {number} m @param {number} i */
export const roundings = (m, i) => ({ queue: i === 0 ? m - 1 : m - i, tree: Math.log2(m) });

/** @type {{key: string, counts: any}} */
const last = { key: "", counts: null };

/** Return all that is counted and computed. @param {any} set */
export function countsOf(set) {
  const { m, cards } = sizesOf(set);
  const key = `${m} ${cards} ${set.seed}`;
  if (last.key !== key) Object.assign(last, { key, counts: counted(m, cards, set) });
  return last.counts;
}

/** @param {number} m @param {number} cards @param {any} set */
function counted(m, cards, set) {
  const { terms, delta } = deltasOf(m, set.seed);
  const [queue, tree, rounds] = [queueOf(terms), treeOf(terms, cards), roundsOf(m, cards)];
  const exact = terms.reduce((total, one) => total + one, 0);
  const size = terms.reduce((total, one) => total + Math.abs(one), 0);
  const [inQueue, inTree] = [queue[m - 1], tree[tree.length - 1][0]];
  return {
    m, cards, terms, queue, tree, rounds, exact, size, inQueue, inTree,
    additions: { queue: m - 1, tree: rounds.reduce((total, { kind, active }) => total + (kind === "cards" ? cards : active), 0) },
    error: { queue: Math.abs(inQueue - exact) / size, tree: Math.abs(inTree - exact) / size },
    gradient: delta.reduce((total, one) => total + one, 0) / m,
  };
}
