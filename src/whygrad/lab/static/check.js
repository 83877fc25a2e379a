/**
 * Whether this engine computes what whygrad computes: the scenes that `lab/reference.py` walked,
 * walked again.
 */

import {
  exact,
  factors,
  firstState,
  fromRows,
  matrix,
  network,
  takeStep,
  transposed,
} from "./engine.js";

/** @typedef {import("./engine.js").Matrix} Matrix */
/** @typedef {number[][] | number[]} Lists a matrix by rows, or its only row */
/** @typedef {{weight: Lists, bias?: Lists}} Told parameters, or their gradients */
/** @typedef {{name: string, preactivation: Lists, output: Lists, upstream: Lists, slope: Lists,
 *   delta: Lists, gradient: Told, factors: Record<string, Record<string, Lists>>}} Layer */
/** @typedef {{network: {weights: number[][][], biases: (number[] | null)[], activations: string[]},
 *   batch: {input: number[][], target: number[][], sampleWeight: number[] | null},
 *   settings: import("./engine.js").Settings, steps: number, rows: number, layers: Layer[],
 *   loss: number, losses: number[], parameters: Told[]}} Reference of `lab/reference.py` */

/** Return the state before the first step, and the batch, of a reference.
 * @param {Reference} of @param {import("./engine.js").Precision} precision */
export function sceneOf({ network: start, batch, settings }, precision = exact) {
  const { weights, biases, activations } = start;
  const built = network({
    weights: weights.map(fromRows),
    biases: biases.map((bias) => bias && fromRows([bias])),
    activations,
    precision,
  });
  const [input, target] = [fromRows(batch.input), fromRows(batch.target)];
  const sampleWeight = batch.sampleWeight ?? undefined;
  return { state: firstState(built, settings), batch: { input, target, sampleWeight } };
}

/**
 * Return the largest difference of each quantity. Sums are compared relative to the sum of their
 * absolute terms, everything else relative to the largest number of its matrix.
 * @param {Reference} reference @returns {Record<string, number>}
 */
export function differences(reference) {
  /** @type {Record<string, number>} */
  const most = {};
  /** @param {string} name @param {Lists | undefined} told @param {Matrix | null} found
   * @param {Matrix} [scale] */
  const compare = (name, told, found, scale) => {
    if (!told || !found) return;
    most[name] = Math.max(most[name] ?? 0, difference(told, found, scale ?? largest(found)));
  };
  compareStep(reference, compare);
  const { state: end, losses } = trained(reference);
  compare("losses", reference.losses, matrix(1, losses.length, losses));
  end.network.layers.forEach(({ weight, bias }, l) => {
    compare("parameters", reference.parameters[l].weight, weight);
    compare("parameters", reference.parameters[l].bias, bias);
  });
  return most;
}

/** Compare all that one step is made of.
 * @param {Reference} reference
 * @param {(name: string, told: Lists | undefined, found: Matrix | null, scale?: Matrix) => void
 *   } compare */
function compareStep(reference, compare) {
  const { rows, layers, loss, settings } = reference;
  const { state, batch } = sceneOf(reference);
  const { anatomy, gradients } = takeStep(state, batch, settings);
  compare("loss", [loss], matrix(1, 1, [anatomy.loss]));
  anatomy.layers.forEach((layer, l) => {
    const [told, { weight, bias }] = [layers[l], state.network.layers[l]];
    const [next, above] = [anatomy.layers[l + 1], state.network.layers[l + 1]];
    const pushed = next && sizesOfProduct(next.delta, transposed(above.weight), null);
    const terms = sizesOfProduct(layer.input, weight, bias);
    compare("preactivation", told.preactivation, first(layer.preactivation, rows), terms);
    compare("output", told.output, first(layer.output, rows));
    compare("upstream", told.upstream, first(layer.upstream, rows), pushed);
    compare("slope", told.slope, first(layer.slope, rows));
    compare("delta", told.delta, first(layer.delta, rows));
    /** @type {Record<string, any>} */
    const split = factors(layer);
    compare("gradient", told.gradient.weight, gradients[l].weight, pulls(split.weight));
    compare("gradient", told.gradient.bias, gradients[l].bias, pulls(split.bias));
    for (const [of, ratios] of Object.entries(told.factors))
      for (const [name, one] of Object.entries(ratios)) compare("factors", one, split[of][name]);
  });
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

/** Return the sums of the absolute terms of gradients: upstream * slope * input.
 * @param {import("./engine.js").Factors} split */
function pulls({ upstream, slope, input: { rows, columns, data } }) {
  return matrix(rows, columns, data.map((one, i) => upstream.data[i] * slope.data[i] * one));
}

/** Return a matrix that has the largest size of another one everywhere. @param {Matrix} of */
function largest(of) {
  const most = of.data.reduce((high, one) => Math.max(high, Math.abs(one)), 0);
  return matrix(of.rows, of.columns, of.data.map(() => most));
}

/** @param {Matrix} of @param {number} rows */
function first({ columns, data }, rows) {
  return matrix(rows, columns, data.subarray(0, rows * columns));
}
