/**
 * Whether this engine computes what whygrad computes: the scenes that `lab/reference.py` walked,
 * walked again.
 */

import { backward, factors, firstState, forward, fromRows, gradients, matrix, network, takeStep, transposed } from "./engine.js";

/** @typedef {import("./engine.js").Matrix} Matrix */
/** @typedef {number[][] | number[]} Lists a matrix by rows, or its only row */
/** @typedef {{weight: Lists, bias?: Lists}} Told parameters, or their gradients */
/** @typedef {{name: string, preactivation: Lists, output: Lists, upstream: Lists, slope: Lists,
 *   delta: Lists, gradient: Told, factors: Record<string, Record<string, Lists>>}} Layer */
/** @typedef {{network: {weights: number[][][], biases: (number[] | null)[], activations: string[]},
 *   batch: {input: number[][], target: number[][], sampleWeight: number[] | null},
 *   settings: import("./engine.js").Settings, steps: number, rows: number, layers: Layer[],
 *   loss: number, losses: number[], parameters: Told[]}} Reference as `lab/reference.py` makes it */

/** Return the state before the first step, and the batch, of a reference. @param {Reference} of */
export function sceneOf({ network: { weights, biases, activations }, batch, settings }) {
  const built = network({
    weights: weights.map(fromRows),
    biases: biases.map((bias) => bias && fromRows([bias])),
    activations,
  });
  const { input, target, sampleWeight } = batch;
  return {
    state: firstState(built, settings),
    batch: { input: fromRows(input), target: fromRows(target), sampleWeight: sampleWeight ?? undefined },
  };
}

/**
 * Return the largest difference of each quantity. Sums are compared relative to the sum of their
 * absolute terms, everything else relative to the largest number of its matrix.
 * @param {Reference} reference @returns {Record<string, number>}
 */
export function differences(reference) {
  const { rows, layers, settings } = reference;
  const { state, batch } = sceneOf(reference);
  const trace = forward(state.network, batch.input);
  const anatomy = backward(state.network, trace, batch.target, settings.loss, batch);
  const mean = gradients(anatomy);
  /** @type {Record<string, number>} */
  const most = {};
  const compare = (/** @type {string} */ name, /** @type {Lists | undefined} */ told, /** @type {Matrix | null} */ found, scale = largest(found)) => {
    if (told && found) most[name] = Math.max(most[name] ?? 0, difference(told, found, scale));
  };
  anatomy.layers.forEach((layer, l) => {
    const { weight, bias } = state.network.layers[l];
    const { input, preactivation, output, upstream, slope, delta } = layer;
    const terms = sizesOfProduct(input, weight, bias);
    compare("preactivation", layers[l].preactivation, first(preactivation, rows), terms);
    compare("output", layers[l].output, first(output, rows));
    const next = anatomy.layers[l + 1];
    const pushed = next ? sizesOfProduct(next.delta, transposed(state.network.layers[l + 1].weight), null) : undefined;
    compare("upstream", layers[l].upstream, first(upstream, rows), pushed);
    compare("slope", layers[l].slope, first(slope, rows));
    compare("delta", layers[l].delta, first(delta, rows));
    const split = /** @type {Record<string, any>} */ (factors(layer));
    // upstream * slope * input is the sum of the absolute terms of a gradient
    compare("gradient", layers[l].gradient.weight, mean[l].weight, pulls(split.weight));
    compare("gradient", layers[l].gradient.bias, mean[l].bias, pulls(split.bias));
    for (const [of, told] of Object.entries(layers[l].factors))
      for (const [name, values] of Object.entries(told)) compare("factors", values, split[of][name]);
  });
  compare("loss", [reference.loss], matrix(1, 1, [anatomy.loss]));
  const { state: end, losses } = trained(reference);
  compare("losses", reference.losses, matrix(1, losses.length, losses));
  end.network.layers.forEach(({ weight, bias }, l) => {
    compare("parameters", reference.parameters[l].weight, weight);
    compare("parameters", reference.parameters[l].bias, bias);
  });
  return most;
}

/** Return the largest relative difference between whygrad and this engine.
 * @param {Reference} reference */
export function sameAsWhygrad(reference) {
  return Math.max(...Object.values(differences(reference)));
}

/** Take all steps of a reference. @param {Reference} reference */
export function trained(reference) {
  let { state, batch } = sceneOf(reference);
  const losses = [];
  for (let i = 0; i < reference.steps; i++) {
    const taken = takeStep(state, batch, reference.settings);
    losses.push(taken.anatomy.loss);
    state = taken.state;
  }
  return { state, losses };
}

/** Return the largest |told - found| / scale; a number that is none anywhere is no agreement.
 * @param {Lists} told @param {Matrix} found @param {Matrix} scale */
function difference(told, found, scale) {
  const values = told.flat();
  if (values.length !== found.data.length) return Infinity;
  return values.reduce((most, value, i) => {
    const off = Math.abs(value - found.data[i]);
    const share = off === 0 ? 0 : off / scale.data[i];
    return Number.isNaN(share) ? Infinity : Math.max(most, share);
  }, 0);
}

/** Return |left| @ |right| + |add|: the sums of the absolute terms of a product.
 * @param {Matrix} left @param {Matrix} right @param {Matrix | null} add */
function sizesOfProduct(left, right, add) {
  const found = matrix(left.rows, right.columns);
  for (let i = 0; i < left.rows; i++)
    for (let k = 0; k < right.columns; k++) {
      let total = add ? Math.abs(add.data[k]) : 0;
      for (let j = 0; j < left.columns; j++)
        total += Math.abs(left.data[i * left.columns + j] * right.data[j * right.columns + k]);
      found.data[i * right.columns + k] = total;
    }
  return found;
}

/** @param {import("./engine.js").Factors} split */
function pulls({ upstream, slope, input }) {
  return matrix(input.rows, input.columns, input.data.map((one, i) => one * slope.data[i] * upstream.data[i]));
}

/** Return a matrix that has the largest size of another one everywhere. @param {Matrix | null} of */
function largest(of) {
  if (!of) return matrix(0, 0);
  const most = of.data.reduce((high, one) => Math.max(high, Math.abs(one)), 0);
  return matrix(of.rows, of.columns, of.data.map(() => most));
}

/** @param {Matrix} of @param {number} rows */
function first({ columns, data }, rows) {
  return matrix(rows, columns, data.subarray(0, rows * columns));
}
