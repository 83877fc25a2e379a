/**
 * Back-propagation, written out once more: forward -> Trace, backward -> Anatomy.
 *
 * The twin of `core/backprop.py`, `core/factors.py`, `core/symmetry.py` and `core/optimizer.py`,
 * for a page without Python: same names, same order. Rows are samples. One dense layer, inputs j,
 * neurons k, samples i:
 *
 *     z = input @ weight + bias      a = f(z)             forward
 *     delta = upstream * f'(z)                           how the loss moves with z
 *     dC/dweight = mean_i input_ij * delta_ik            the sum over samples hides in input.T @ delta
 *     dC/dbias   = mean_i    1     * delta_ik            a bias is a weight from a constant 1
 *     upstream of the layer below = delta @ weight.T      responsibility flows back along the weights
 *
 * Nothing that a function is given is ever changed, so a page can keep every state and go back to
 * it exactly. Every loop treats every neuron alike, so clones stay equal to the bit.
 */

/** @typedef {{rows: number, columns: number, data: Float64Array}} Matrix */
/** @typedef {(value: number) => number} Precision `Math.fround` for float32, `exact` for float64 */
/** @typedef {{name: string, weight: Matrix, bias: Matrix | null, activation: string}} Dense
 *  weight: (n_in, n_out); bias: (1, n_out) */
/** @typedef {{layers: Dense[], precision: Precision}} Network */
/** @typedef {{name: string, input: Matrix, preactivation: Matrix, output: Matrix}} LayerTrace */
/** @typedef {{layers: LayerTrace[]}} Trace */
/** @typedef {LayerTrace & {upstream: Matrix, slope: Matrix, delta: Matrix, share: Float64Array,
 *  hasBias: boolean, isMatched: boolean, precision: Precision}} LayerAnatomy
 *  upstream: dC_i/da; slope: da/dz, 1 where loss and activation are one function; delta: dC_i/dz */
/** @typedef {{layers: LayerAnatomy[], sampleLoss: Float64Array, loss: number}} Anatomy */
/** @typedef {{weight: Matrix, bias: Matrix | null}} Parameters of one layer */
/** @typedef {{upstream: Matrix, slope: Matrix, input: Matrix, agreement: Matrix, product: Matrix}}
 *  Factors four matrices that multiply to the size of a gradient */
/** @typedef {{input: Matrix, target: Matrix, sampleWeight?: ArrayLike<number>}} Batch */
/** @typedef {{loss: string, optimizer: string, learning_rate: number, momentum?: number,
 *  beta1?: number, beta2?: number, epsilon?: number}} Settings */
/** @typedef {{network: Network, optimizer: Memory[], step: number}} State */
/** @typedef {{weight: Matrix[], bias: Matrix[]}} Memory what the optimizer remembers of a layer */

/** float64: numbers as they are. @type {Precision} */
export const exact = (value) => value;

// --- matrices -------------------------------------------------------------------------------

/** @param {number} rows @param {number} columns @param {ArrayLike<number>} [data] @returns {Matrix} */
export function matrix(rows, columns, data) {
  return { rows, columns, data: data ? Float64Array.from(data) : new Float64Array(rows * columns) };
}

/** Return a matrix from its rows. @param {number[][]} rows */
export function fromRows(rows) {
  return matrix(rows.length, rows[0].length, rows.flat());
}

/** @param {Matrix} of @returns {number[][]} */
export function toRows({ rows, columns, data }) {
  return Array.from({ length: rows }, (_, i) => [...data.subarray(i * columns, (i + 1) * columns)]);
}

/** Return targets as (m, n_out); class indices become rows with a single 1.
 * @param {number[]} targets @param {number} nOut */
export function asMatrix(targets, nOut) {
  const found = matrix(targets.length, nOut);
  targets.forEach((target, i) => {
    if (nOut === 1) found.data[i] = target;
    else found.data[i * nOut + target] = 1;
  });
  return found;
}

/** @param {Matrix} of @param {(value: number, index: number) => number} rule */
function map(of, rule) {
  const found = matrix(of.rows, of.columns);
  for (let i = 0; i < found.data.length; i++) found.data[i] = rule(of.data[i], i);
  return found;
}

/** Return left @ right, plus a row that is broadcast to all rows.
 * @param {Matrix} left @param {Matrix} right @param {Precision} round @param {Matrix | null} add */
function product(left, right, round, add = null) {
  const [m, n, inner] = [left.rows, right.columns, left.columns];
  const [found, a, b] = [matrix(m, n), left.data, right.data];
  for (let i = 0; i < m; i++)
    for (let k = 0; k < n; k++) {
      let total = 0;
      for (let j = 0; j < inner; j++) total = round(total + round(a[i * inner + j] * b[j * n + k]));
      found.data[i * n + k] = add ? round(total + add.data[k]) : total;
    }
  return found;
}

/** @param {Matrix} of */
export function transposed(of) {
  const found = matrix(of.columns, of.rows);
  for (let i = 0; i < of.rows; i++)
    for (let j = 0; j < of.columns; j++) found.data[j * of.rows + i] = of.data[i * of.columns + j];
  return found;
}

/** Return input.T @ (share * delta): samples go, inputs and neurons stay.
 * @param {Matrix} input @param {Matrix} delta @param {Float64Array} share @param {Precision} round */
function contract(input, delta, share, round) {
  const [inputs, n] = [input.columns, delta.columns];
  const [found, x] = [matrix(inputs, n), input.data];
  for (let i = 0; i < input.rows; i++)
    for (let k = 0; k < n; k++) {
      const shared = round(share[i] * delta.data[i * n + k]);
      for (let j = 0; j < inputs; j++)
        found.data[j * n + k] = round(found.data[j * n + k] + round(x[i * inputs + j] * shared));
    }
  return found;
}

// --- activations: each with its slope beside it -----------------------------------------------

const LEAK = 0.01;
const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;

/** @param {number} z */
const sigmoid = (z) => (z < 0 ? Math.exp(z) / (1 + Math.exp(z)) : 1 / (1 + Math.exp(-z)));
/** log(1 + exp(z)) without overflow. @param {number} z */
const softplus = (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

/** erfc(x): a series of positive terms near 0, a continued fraction further out. @param {number} x
 * Source: Abramowitz and Stegun 1964, 7.1.6 and 7.1.14. @returns {number} */
function erfc(x) {
  if (x < 0) return 2 - erfc(-x);
  const bell = Math.exp(-x * x) / Math.sqrt(Math.PI);
  if (x < 2) {
    let [sum, term] = [0, 2 * x * bell];
    for (let n = 1; term > 1e-18 * sum; n++) {
      sum += term;
      term *= (2 * x * x) / (2 * n + 1);
    }
    return 1 - sum;
  }
  let fraction = x;
  for (let n = 60; n > 0; n--) fraction = x + n / 2 / fraction;
  return bell / fraction;
}
/** Share of a normal distribution below z. @param {number} z */
const normalShare = (z) => erfc(-z / Math.SQRT2) / 2;

/** f(z), and f'(z) of z and a = f(z).
 * @type {Record<string, {value: (z: number) => number, slope: (z: number, a: number) => number}>} */
export const ACTIVATIONS = {
  identity: { value: (z) => z, slope: () => 1 },
  // s(-z) = 1 - s(z) without cancellation
  sigmoid: { value: sigmoid, slope: (z) => sigmoid(z) * sigmoid(-z) },
  tanh: { value: Math.tanh, slope: (z, a) => 1 - a * a },
  // the slope at exactly 0 is taken as 0
  relu: { value: (z) => Math.max(z, 0), slope: (z) => (z > 0 ? 1 : 0) },
  leaky_relu: { value: (z) => (z > 0 ? z : LEAK * z), slope: (z) => (z > 0 ? 1 : LEAK) },
  elu: { value: (z) => (z > 0 ? z : Math.expm1(z)), slope: (z) => Math.exp(Math.min(z, 0)) },
  selu: {
    value: (z) => SELU_SCALE * (z > 0 ? z : SELU_ALPHA * Math.expm1(z)),
    slope: (z) => SELU_SCALE * (z > 0 ? 1 : SELU_ALPHA * Math.exp(z)),
  },
  gelu: {
    value: (z) => z * normalShare(z),
    slope: (z) => normalShare(z) + (z * Math.exp(-(z * z) / 2)) / Math.sqrt(2 * Math.PI),
  },
  silu: {
    value: (z) => z * sigmoid(z),
    slope: (z) => sigmoid(z) * (1 + z * sigmoid(-z)),
  },
  softplus: { value: softplus, slope: sigmoid },
};

// --- losses: each with its derivative beside it -----------------------------------------------

const SMALLEST_PROBABILITY = 1e-7; // probabilities are clipped here; no gradient outside
/** @param {number} p */
const clipped = (p) => Math.min(Math.max(p, SMALLEST_PROBABILITY), 1 - SMALLEST_PROBABILITY);
/** @param {number} p */
const unclipped = (p) => (p >= SMALLEST_PROBABILITY && p <= 1 - SMALLEST_PROBABILITY ? 1 : 0);
/** @param {ArrayLike<number>} values */
function sum(values) {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}

/** @param {number[]} z */
export function softmax(z) {
  const highest = Math.max(...z);
  const sizes = z.map((one) => Math.exp(one - highest));
  const total = sum(sizes);
  return sizes.map((size) => size / total);
}

/** @param {number[]} z */
function logsumexp(z) {
  const highest = Math.max(...z);
  return highest + Math.log(sum(z.map((one) => Math.exp(one - highest))));
}

/** value: the loss of one sample, of its outputs (or logits) and targets; upstream: its derivative.
 * @typedef {{value: (a: number[], y: number[]) => number,
 *   upstream: (a: number[], y: number[]) => number[]}} Loss */
/** @typedef {(a: number, y: number, n: number) => number} OfOne of one among n outputs */
/** A loss that is a sum over outputs. @param {OfOne} value @param {OfOne} upstream @returns {Loss} */
const summed = (value, upstream) => ({
  value: (a, y) => sum(a.map((one, k) => value(one, y[k], a.length))),
  upstream: (a, y) => a.map((one, k) => upstream(one, y[k], a.length)),
});

const squared = summed((a, y) => (a - y) ** 2 / 2, (a, y) => a - y);
const meanSquared = summed((a, y, n) => (a - y) ** 2 / n, (a, y, n) => (2 * (a - y)) / n);
/** @type {Loss} */
const softmaxCrossEntropy = {
  value: (z, y) => sum(y) * logsumexp(z) - sum(y.map((one, k) => one * z[k])),
  upstream: (z, y) => softmax(z).map((a, k) => sum(y) * a - y[k]),
};
const binaryCrossEntropy = summed(
  (a, y) => -(y * Math.log(clipped(a)) + (1 - y) * Math.log1p(-clipped(a))),
  (a, y) => ((clipped(a) - y) / (clipped(a) * (1 - clipped(a)))) * unclipped(a),
);
const binaryCrossEntropyOfLogits = summed((z, y) => softplus(z) - y * z, (z, y) => sigmoid(z) - y);

/** With an output activation that is `matched`, `merged` takes the logits: loss and activation are
 * one function then, slope 1, delta = a - y.
 * @type {Record<string, Loss & {matched: string[], merged: Loss}>} */
export const LOSSES = {
  squared: { ...squared, matched: ["identity"], merged: squared },
  mean_squared: { ...meanSquared, matched: [], merged: meanSquared },
  // the loss brings its softmax
  softmax_cross_entropy: { ...softmaxCrossEntropy, matched: ["identity"], merged: softmaxCrossEntropy },
  binary_cross_entropy: {
    ...binaryCrossEntropy,
    matched: ["sigmoid", "identity"],
    merged: binaryCrossEntropyOfLogits,
  },
};

/** Return whether loss and output activation are taken as one function with slope 1.
 * @param {string} loss @param {string} outputActivation */
export function isMatched(loss, outputActivation) {
  return LOSSES[loss].matched.includes(outputActivation);
}

/** Return the loss of each sample, from logits where loss and activation match.
 * @param {string} loss @param {string} outputActivation @param {LayerTrace} end @param {Matrix} y
 * @param {Precision} round */
export function sampleLosses(loss, outputActivation, end, y, round = exact) {
  const isMerged = isMatched(loss, outputActivation);
  const { value } = isMerged ? LOSSES[loss].merged : LOSSES[loss];
  const from = isMerged ? end.preactivation : end.output;
  return Float64Array.from({ length: y.rows }, (_, i) => round(value(row(from, i), row(y, i))));
}

/** Return what the loss asks of the outputs: dC_i/da, or dC_i/dz of a matched pair.
 * @param {string} loss @param {string} outputActivation @param {LayerTrace} end @param {Matrix} y
 * @param {Precision} round */
export function upstreamOfLoss(loss, outputActivation, end, y, round = exact) {
  const isMerged = isMatched(loss, outputActivation);
  const { upstream } = isMerged ? LOSSES[loss].merged : LOSSES[loss];
  const from = isMerged ? end.preactivation : end.output;
  const found = matrix(y.rows, y.columns);
  for (let i = 0; i < y.rows; i++)
    upstream(row(from, i), row(y, i)).forEach((u, k) => (found.data[i * y.columns + k] = round(u)));
  return found;
}

/** @param {Matrix} of @param {number} i */
function row({ columns, data }, i) {
  const found = [];
  for (let k = i * columns; k < (i + 1) * columns; k++) found.push(data[k]);
  return found;
}

// --- the network ------------------------------------------------------------------------------

/**
 * Build a network from given parameters, or from sizes with all parameters 0.
 * @param {{sizes?: number[], weights?: Matrix[], biases?: (Matrix | null)[] | null,
 *   activations: string[], precision?: Precision}} options activations: one a layer
 * @returns {Network}
 */
export function network({ sizes, weights, biases, activations, precision = exact }) {
  const all = weights ?? (sizes ?? []).slice(1).map((nOut, l) => matrix((sizes ?? [])[l], nOut));
  const offsets = biases === undefined ? all.map((weight) => matrix(1, weight.columns)) : biases;
  const layers = all.map((weight, l) => ({
    name: l < all.length - 1 ? `hidden${l + 1}` : "output",
    weight: map(weight, precision),
    bias: offsets && offsets[l] ? map(/** @type {Matrix} */ (offsets[l]), precision) : null,
    activation: activations[l],
  }));
  return { layers, precision };
}

/** Return the same network with other weights and biases.
 * @param {Network} network @param {Parameters[]} parameters @returns {Network} */
export function withParameters(network, parameters) {
  return { ...network, layers: network.layers.map((dense, l) => ({ ...dense, ...parameters[l] })) };
}

// --- forward, backward ------------------------------------------------------------------------

/** Walk a batch through the network and keep what every layer did.
 * @param {Network} network @param {Matrix} input @returns {Trace} */
export function forward(network, input) {
  const round = network.precision;
  let current = map(input, round);
  const layers = network.layers.map(({ name, weight, bias, activation }) => {
    const input = current;
    const { value } = ACTIVATIONS[activation];
    const preactivation = product(input, weight, round, bias);
    current = matrix(input.rows, weight.columns);
    for (let i = 0; i < current.data.length; i++) current.data[i] = round(value(preactivation.data[i]));
    return { name, input, preactivation, output: current };
  });
  return { layers };
}

/** Walk the chain rule from the loss down to the first layer.
 * @param {Network} network @param {Trace} trace @param {Matrix} target (m, n_out)
 * @param {string} loss @param {{sampleWeight?: ArrayLike<number>}} [options]
 * @returns {Anatomy} */
export function backward(network, trace, target, loss, { sampleWeight } = {}) {
  const round = network.precision;
  const last = network.layers.length - 1;
  const [end, outputActivation] = [trace.layers[last], network.layers[last].activation];
  const share = asShares(sampleWeight, target.rows, round);
  const layers = /** @type {LayerAnatomy[]} */ (new Array(last + 1));
  let upstream = upstreamOfLoss(loss, outputActivation, end, target, round);
  for (let l = last; l >= 0; l--) {
    const dense = network.layers[l];
    const isMerged = l === last && isMatched(loss, outputActivation);
    layers[l] = passBack(dense, trace.layers[l], upstream, share, isMerged, round);
    if (l > 0) upstream = product(layers[l].delta, transposed(dense.weight), round);
  }
  const sampleLoss = sampleLosses(loss, outputActivation, end, target, round);
  const mean = sampleLoss.reduce((total, one, i) => round(total + round(share[i] * one)), 0);
  return { layers, sampleLoss, loss: mean };
}

/** @param {Dense} dense @param {LayerTrace} trace @param {Matrix} upstream
 * @param {Float64Array} share @param {boolean} isMatched @param {Precision} round
 * @returns {LayerAnatomy} */
function passBack(dense, trace, upstream, share, isMatched, round) {
  const { slope: rule } = ACTIVATIONS[dense.activation];
  const [z, a] = [trace.preactivation, trace.output];
  const [slope, delta] = [matrix(z.rows, z.columns), matrix(z.rows, z.columns)];
  for (let i = 0; i < z.data.length; i++) {
    slope.data[i] = isMatched ? 1 : round(rule(z.data[i], a.data[i]));
    delta.data[i] = round(upstream.data[i] * slope.data[i]);
  }
  const hasBias = dense.bias !== null;
  return { ...trace, upstream, slope, delta, share, hasBias, isMatched, precision: round };
}

/** Return each sample's share in the mean: 1/m, or its weight over the sum of all weights.
 * @param {ArrayLike<number> | undefined} sampleWeight @param {number} samples
 * @param {Precision} round */
export function asShares(sampleWeight, samples, round = exact) {
  const weight = sampleWeight ? Float64Array.from(sampleWeight) : new Float64Array(samples).fill(1);
  const total = sum(weight);
  return weight.map((one) => round(one / total));
}

/** Return mean_i input_ij * delta_ik. The one place where the mean over samples is taken.
 * @param {LayerAnatomy} layer @param {Matrix} input */
function meanWithDelta({ delta, share, precision }, input) {
  return contract(input, delta, share, precision);
}

/** The input of every bias: a neuron that always says 1. @param {LayerAnatomy} layer */
function constant({ input }) {
  return map(matrix(input.rows, 1), () => 1);
}

/** Return dC/dweight, shape (n_in, n_out), and dC/dbias, shape (1, n_out).
 * @param {LayerAnatomy} layer @returns {Parameters} */
export function gradient(layer) {
  const bias = layer.hasBias ? meanWithDelta(layer, constant(layer)) : null;
  return { weight: meanWithDelta(layer, layer.input), bias };
}

/** Return the mean gradients of every layer. @param {Anatomy} anatomy */
export function gradients(anatomy) {
  return anatomy.layers.map(gradient);
}

// --- the four factors: |gradient| = upstream * slope * input * agreement, exactly -------------
//
//     upstream  = mean_i |u_ik|                                    how hard is it pushed
//     slope     = mean_i |d_ik|        / mean_i |u_ik|             how much gets through
//     input     = mean_i |x_ij d_ik|   / mean_i |d_ik|             how strongly the input fires then
//     agreement = |mean_i x_ij d_ik|   / mean_i |x_ij d_ik|        do the samples pull the same way

/** Split every gradient of a layer into its four factors.
 * @param {LayerAnatomy} layer
 * @returns {{weight: Factors, bias: Factors, neuron: Factors}} */
export function factors(layer) {
  const { input, upstream, delta, precision: round } = layer;
  const sizes = (/** @type {Matrix} */ of) => map(of, Math.abs);
  const mean = (/** @type {Matrix} */ over, /** @type {Matrix} */ of) =>
    meanWithDelta({ ...layer, delta: of }, over);
  const [pushed, through] = [sizes(upstream), sizes(delta)].map((of) => mean(constant(layer), of));
  const weight = mean(input, delta);
  const norms = matrix(input.rows, 1, Array.from({ length: input.rows }, (_, i) => norm(row(input, i), round)));
  const columns = transposed(weight);
  const lengths = Array.from({ length: delta.columns }, (_, k) => norm(row(columns, k), round));
  const down = (/** @type {Matrix} */ of) => map(weight, (_, i) => of.data[i % of.columns]);
  return {
    weight: telescope(down(pushed), down(through), mean(sizes(input), sizes(delta)), sizes(weight), round),
    bias: telescope(pushed, through, through, sizes(mean(constant(layer), delta)), round),
    neuron: telescope(pushed, through, mean(norms, sizes(delta)), matrix(1, delta.columns, lengths), round),
  };
}

/** Return the factors whose running products are the four sizes given.
 * @param {Matrix} pushed @param {Matrix} through @param {Matrix} pulls @param {Matrix} gradient
 * @param {Precision} round @returns {Factors} */
function telescope(pushed, through, pulls, gradient, round) {
  const ratio = (/** @type {Matrix} */ part, /** @type {Matrix} */ whole) =>
    map(part, (one, i) => (whole.data[i] === 0 ? 0 : round(one / whole.data[i])));
  const [slope, input] = [ratio(through, pushed), ratio(pulls, through)];
  const agreement = map(ratio(gradient, pulls), (one) => Math.min(one, 1)); // rounding must not exceed 1
  const product = map(pushed, (one, i) =>
    [slope, input, agreement].reduce((total, factor) => round(total * factor.data[i]), one));
  return { upstream: pushed, slope, input, agreement, product };
}

/** @param {number[]} values @param {Precision} round */
function norm(values, round) {
  return round(Math.sqrt(values.reduce((total, value) => round(total + round(value * value)), 0)));
}

// --- optimizers: gradient -> scaling -> learning_rate -> update ---------------------------------

/** @type {Required<Pick<Settings, "momentum" | "beta1" | "beta2" | "epsilon">>} */
const DEFAULTS = { momentum: 0.9, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/**
 * Each turns a gradient into a direction, and remembers `memories` matrices of its shape.
 * @type {Record<string, {memories: number, update: (gradient: Matrix, memory: Matrix[],
 *   settings: Settings & typeof DEFAULTS, step: number, round: Precision) => [Matrix, Matrix[]]}>}
 */
export const SCALINGS = {
  sgd: { memories: 0, update: (gradient) => [gradient, []] },
  // Polyak 1964
  momentum: {
    memories: 1,
    update: (gradient, [trace], { momentum }, _, round) => {
      const next = map(gradient, (g, i) => round(g + round(momentum * trace.data[i])));
      return [next, [next]];
    },
  },
  // Kingma and Ba 2015
  adam: {
    memories: 2,
    update: (gradient, [mean, square], { beta1, beta2, epsilon }, step, round) => {
      const blend = (/** @type {number} */ beta, /** @type {number} */ fresh, /** @type {number} */ old) =>
        round(round(round(1 - beta) * fresh) + round(beta * old));
      const first = map(gradient, (g, i) => blend(beta1, g, mean.data[i]));
      const second = map(gradient, (g, i) => blend(beta2, round(g * g), square.data[i]));
      const [warm1, warm2] = [beta1, beta2].map((beta) => round(1 - beta ** (step + 1)));
      const direction = map(first, (m, i) =>
        round(round(m / warm1) / round(round(Math.sqrt(round(second.data[i] / warm2))) + epsilon)));
      return [direction, [first, second]];
    },
  },
};

/** Return the state before the first step.
 * @param {Network} network @param {Settings} settings @returns {State} */
export function firstState(network, settings) {
  const { memories } = SCALINGS[settings.optimizer];
  const empty = (/** @type {Matrix | null} */ of) =>
    of ? Array.from({ length: memories }, () => matrix(of.rows, of.columns)) : [];
  const optimizer = network.layers.map(({ weight, bias }) => ({ weight: empty(weight), bias: empty(bias) }));
  return { network, optimizer, step: 0 };
}

/** Take one step of training, and return it with the trace of the step.
 * @param {State} state @param {Batch} batch @param {Settings} settings */
export function takeStep(state, batch, settings) {
  const { network } = state;
  const all = { ...DEFAULTS, ...settings };
  const trace = forward(network, batch.input);
  const anatomy = backward(network, trace, batch.target, settings.loss, batch);
  const found = gradients(anatomy);
  const { update } = SCALINGS[settings.optimizer];
  const round = network.precision;
  const moved = (/** @type {Matrix} */ before, /** @type {Matrix} */ gradient, /** @type {Matrix[]} */ memory) => {
    const [direction, next] = update(gradient, memory, all, state.step, round);
    const change = map(direction, (d) => round(-all.learning_rate * d));
    return { after: map(before, (value, i) => round(value + change.data[i])), change, next };
  };
  const layers = network.layers.map(({ weight, bias }, l) => ({
    weight: moved(weight, found[l].weight, state.optimizer[l].weight),
    bias: bias && found[l].bias ? moved(bias, /** @type {Matrix} */ (found[l].bias), state.optimizer[l].bias) : null,
  }));
  const after = layers.map(({ weight, bias }) => ({ weight: weight.after, bias: bias && bias.after }));
  const updates = layers.map(({ weight, bias }) => ({ weight: weight.change, bias: bias && bias.change }));
  const optimizer = layers.map(({ weight, bias }) => ({ weight: weight.next, bias: bias ? bias.next : [] }));
  /** @type {State} */
  const next = { network: withParameters(network, after), optimizer, step: state.step + 1 };
  return { state: next, anatomy, gradients: found, updates };
}

/** Take one step of training. The state given is not changed.
 * @param {State} state @param {Batch} batch @param {Settings} settings @returns {State} */
export function step(state, batch, settings) {
  return takeStep(state, batch, settings).state;
}

// --- clones: neurons that are the same neuron ---------------------------------------------------

/** Return the weights in with the bias, and the weights out, of each neuron of a hidden layer.
 * @param {Network} network @param {number} l */
function sides({ layers }, l) {
  const { weight, bias } = layers[l];
  const incoming = toRows(transposed(weight)).map((into, k) => (bias ? [...into, bias.data[k]] : into));
  return [incoming, toRows(layers[l + 1].weight)];
}

/** Return the groups of equal neurons of every hidden layer: equal weights in, bias and weights out.
 * @param {Network} network @param {number} tolerance relative to the norms of both sides
 * @returns {Record<string, number[][]>} */
export function clones(network, tolerance = 1e-6) {
  const near = (/** @type {number[][]} */ side, /** @type {number} */ one, /** @type {number} */ k) =>
    norm(side[one].map((value, i) => value - side[k][i]), exact) <= tolerance * norm(side[one], exact);
  return Object.fromEntries(network.layers.slice(0, -1).map(({ name, weight }, l) => {
    const both = sides(network, l);
    /** @type {number[][]} */
    const groups = [];
    for (let k = 0; k < weight.columns; k++) {
      const mine = groups.find(([one]) => both.every((side) => near(side, one, k)));
      if (mine) mine.push(k);
      else groups.push([k]);
    }
    return [name, groups.filter((group) => group.length > 1)];
  }));
}

/** Return how many different neurons every hidden layer has: clones count once.
 * @param {Network} network @param {number} [tolerance] @returns {Record<string, number>} */
export function effectiveWidth(network, tolerance) {
  const found = Object.entries(clones(network, tolerance));
  return Object.fromEntries(found.map(([name, groups], l) => [
    name,
    network.layers[l].weight.columns - groups.reduce((total, group) => total + group.length - 1, 0),
  ]));
}

/** Return the largest difference between two neurons in any weight in, bias or weight out.
 * @param {Network} network @returns {Record<string, number>} */
export function apart(network) {
  return Object.fromEntries(network.layers.slice(0, -1).map(({ name }, l) => {
    const [incoming, outgoing] = sides(network, l);
    const rows = incoming.map((side, k) => [...side, ...outgoing[k]]);
    const spread = rows[0].map((_, i) => Math.max(...rows.map((one) => one[i])) - Math.min(...rows.map((one) => one[i])));
    return [name, Math.max(...spread)];
  }));
}
