/**
 * Back-propagation, written out once more: forward -> Trace, backward -> Anatomy.
 *
 * The twin of `core/backprop.py`, `core/factors.py`, `core/optimizer.py` and `core/symmetry.py`,
 * for a page without Python: same names, same order. Rows are samples. One dense layer, inputs j,
 * neurons k, samples i:
 *
 *     z = input @ weight + bias      a = f(z)             forward
 *     delta = upstream * f'(z)                           how the loss moves with z
 *     dC/dweight = mean_i input_ij * delta_ik            the sum hides in input.T @ delta
 *     dC/dbias   = mean_i    1     * delta_ik            a bias is a weight from a constant 1
 *     upstream of the layer below = delta @ weight.T      responsibility flows back
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
/** @typedef {{weight: Matrix[], bias: Matrix[] | null}} Memory what the optimizer remembers */

/** float64: numbers as they are. @type {Precision} */
export const exact = (value) => value;

// --- matrices -------------------------------------------------------------------------------

/** @param {number} rows @param {number} columns @param {ArrayLike<number>} [data]
 * @returns {Matrix} */
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

/** @typedef {(z: number, a: number) => number} Slope f'(z), of z and a = f(z) */
/** @type {Record<string, {value: (z: number) => number, slope: Slope}>} */
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
  silu: { value: (z) => z * sigmoid(z), slope: (z) => sigmoid(z) * (1 + z * sigmoid(-z)) },
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

/** value: the loss of one sample, of its outputs (or logits) and targets; upstream: its derivative.
 * @typedef {{value: (a: number[], y: number[]) => number,
 *   upstream: (a: number[], y: number[]) => number[]}} Loss */
/** @typedef {(a: number, y: number, n: number) => number} OfOne of one among n outputs */
/** A sum over the outputs. @param {OfOne} value @param {OfOne} upstream @returns {Loss} */
const summed = (value, upstream) => ({
  value: (a, y) => sum(a.map((one, k) => value(one, y[k], a.length))),
  upstream: (a, y) => a.map((one, k) => upstream(one, y[k], a.length)),
});

const squared = summed((a, y) => (a - y) ** 2 / 2, (a, y) => a - y);
const meanSquared = summed((a, y, n) => (a - y) ** 2 / n, (a, y, n) => (2 * (a - y)) / n);
/** @type {Loss} */
const ofLogits = {
  value: (z, y) => {
    const highest = Math.max(...z);
    const logsumexp = highest + Math.log(sum(z.map((one) => Math.exp(one - highest))));
    return sum(y) * logsumexp - sum(y.map((one, k) => one * z[k]));
  },
  upstream: (z, y) => softmax(z).map((a, k) => sum(y) * a - y[k]),
};
const binary = summed(
  (a, y) => -(y * Math.log(clipped(a)) + (1 - y) * Math.log1p(-clipped(a))),
  (a, y) => ((clipped(a) - y) / (clipped(a) * (1 - clipped(a)))) * unclipped(a),
);
const binaryOfLogits = summed((z, y) => softplus(z) - y * z, (z, y) => sigmoid(z) - y);

/** With an output activation that is `matched`, `merged` takes the logits: loss and activation are
 * one function then, slope 1, delta = a - y.
 * @type {Record<string, Loss & {matched: string[], merged: Loss}>} */
export const LOSSES = {
  squared: { ...squared, matched: ["identity"], merged: squared },
  mean_squared: { ...meanSquared, matched: [], merged: meanSquared },
  // the loss brings its softmax
  softmax_cross_entropy: { ...ofLogits, matched: ["identity"], merged: ofLogits },
  binary_cross_entropy: { ...binary, matched: ["sigmoid", "identity"], merged: binaryOfLogits },
};

/** Return whether loss and output activation are taken as one function with slope 1.
 * @param {string} loss @param {string} outputActivation */
export function isMatched(loss, outputActivation) {
  return LOSSES[loss].matched.includes(outputActivation);
}

/** Return a loss with what it is a function of: logits where loss and activation match.
 * @param {string} loss @param {string} outputActivation @param {LayerTrace} end
 * @returns {[Loss, Matrix]} */
function lossOf(loss, outputActivation, { preactivation, output }) {
  const isMerged = isMatched(loss, outputActivation);
  return isMerged ? [LOSSES[loss].merged, preactivation] : [LOSSES[loss], output];
}

/** Return the loss of each sample.
 * @param {string} loss @param {string} outputActivation @param {LayerTrace} end @param {Matrix} y
 * @param {Precision} round */
export function sampleLosses(loss, outputActivation, end, y, round = exact) {
  const [{ value }, from] = lossOf(loss, outputActivation, end);
  return Float64Array.from({ length: y.rows }, (_, i) => round(value(row(from, i), row(y, i))));
}

/** Return what the loss asks of the outputs: dC_i/da, or dC_i/dz of a matched pair.
 * @param {string} loss @param {string} outputActivation @param {LayerTrace} end @param {Matrix} y
 * @param {Precision} round */
export function upstreamOfLoss(loss, outputActivation, end, y, round = exact) {
  const [{ upstream }, from] = lossOf(loss, outputActivation, end);
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
  let current = round === exact ? input : map(input, round);
  const layers = network.layers.map(({ name, weight, bias, activation }) => {
    const input = current;
    const { value } = ACTIVATIONS[activation];
    const preactivation = product(input, weight, round, bias);
    const [z, a] = [preactivation.data, matrix(input.rows, weight.columns)];
    for (let i = 0; i < z.length; i++) a.data[i] = round(value(z[i]));
    current = a;
    return { name, input, preactivation, output: a };
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
  if (!sampleWeight) return new Float64Array(samples).fill(round(1 / samples));
  const weight = Float64Array.from(sampleWeight, (one) => round(one));
  const total = weight.reduce((sum, one) => round(sum + one), 0);
  return weight.map((one) => round(one / total));
}

/** Return mean_i input_ij * delta_ik, input.T @ (share * delta): samples go, inputs and neurons
 * stay. The one place where the mean over samples is taken.
 * @param {LayerAnatomy} layer @param {Matrix} input */
function meanWithDelta({ delta, share, precision: round }, input) {
  const [inputs, n] = [input.columns, delta.columns];
  const [found, x, d] = [matrix(inputs, n), input.data, delta.data];
  for (let j = 0; j < inputs; j++)
    for (let k = 0; k < n; k++) {
      let total = 0;
      for (let i = 0; i < input.rows; i++)
        total = round(total + round(x[i * inputs + j] * round(share[i] * d[i * n + k])));
      found.data[j * n + k] = total;
    }
  return found;
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
//     upstream  = mean_i |u_ik|                             how hard is it pushed
//     slope     = mean_i |d_ik|        / mean_i |u_ik|      how much gets through
//     input     = mean_i |x_ij d_ik|   / mean_i |d_ik|      how strongly the input fires then
//     agreement = |mean_i x_ij d_ik|   / mean_i |x_ij d_ik| do the samples pull the same way

/** Split every gradient of a layer into its four factors.
 * @param {LayerAnatomy} layer
 * @returns {{weight: Factors, bias: Factors, neuron: Factors}} */
export function factors(layer) {
  const { input, upstream, delta, precision: round } = layer;
  /** @param {Matrix} over @param {Matrix} of */
  const mean = (over, of) => meanWithDelta({ ...layer, delta: of }, over);
  /** @param {Matrix} of */
  const sizes = (of) => map(of, Math.abs);
  const ones = constant(layer);
  const [pushed, through] = [mean(ones, sizes(upstream)), mean(ones, sizes(delta))];
  const weight = mean(input, delta);
  const weightPulls = mean(sizes(input), sizes(delta));
  const neuronPulls = mean(norms(input, round), sizes(delta));
  const lengths = transposed(norms(transposed(weight), round)); // of the columns of dC/dweight
  /** @param {Matrix} of */
  const toEach = (of) => map(weight, (_, i) => of.data[i % of.columns]);
  return {
    weight: telescope(toEach(pushed), toEach(through), weightPulls, sizes(weight), round),
    bias: telescope(pushed, through, through, sizes(mean(ones, delta)), round),
    neuron: telescope(pushed, through, neuronPulls, lengths, round),
  };
}

/** Return the factors whose running products are the four sizes given.
 * @param {Matrix} pushed @param {Matrix} through @param {Matrix} pulls @param {Matrix} gradient
 * @param {Precision} round @returns {Factors} */
function telescope(pushed, through, pulls, gradient, round) {
  /** part / whole, where 0/0 is 0. @param {Matrix} part @param {Matrix} whole */
  const ratio = (part, whole) =>
    map(part, (one, i) => (whole.data[i] === 0 ? 0 : round(one / whole.data[i])));
  const [slope, input] = [ratio(through, pushed), ratio(pulls, through)];
  const agreement = map(ratio(gradient, pulls), (one) => Math.min(one, 1)); // but for rounding
  const product = map(pushed, (one, i) =>
    round(round(round(one * slope.data[i]) * input.data[i]) * agreement.data[i]),
  );
  return { upstream: pushed, slope, input, agreement, product };
}

/** Return the length of each row, (rows, 1). @param {Matrix} of @param {Precision} round */
function norms(of, round) {
  return matrix(of.rows, 1, toRows(of).map((values) => norm(values, round)));
}

/** @param {number[]} values @param {Precision} round */
function norm(values, round = exact) {
  let total = 0;
  for (const value of values) total = round(total + round(value * value));
  return round(Math.sqrt(total));
}

// --- optimizers: gradient -> scaling -> learning_rate -> update ---------------------------------

/** Those of `whygrad.Settings`. */
const DEFAULTS = { momentum: 0.9, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/**
 * Each turns a gradient into a direction, and remembers `memories` matrices of its shape.
 * @typedef {{direction: Matrix, memory: Matrix[]}} Scaled
 * @type {Record<string, {memories: number, scale: (gradient: Matrix, memory: Matrix[],
 *   numbers: typeof DEFAULTS, step: number, round: Precision) => Scaled}>}
 */
export const SCALINGS = {
  sgd: { memories: 0, scale: (gradient) => ({ direction: gradient, memory: [] }) },
  // Polyak 1964
  momentum: {
    memories: 1,
    scale: (gradient, [trace], { momentum }, _, round) => {
      const direction = map(gradient, (g, i) => round(g + round(momentum * trace.data[i])));
      return { direction, memory: [direction] };
    },
  },
  // Kingma and Ba 2015
  adam: {
    memories: 2,
    scale: (gradient, [mean, square], { beta1, beta2, epsilon }, step, round) => {
      /** @param {number} beta @param {number} old @param {number} fresh */
      const blend = (beta, old, fresh) =>
        round(round(beta * old) + round(round(1 - beta) * fresh));
      const first = map(gradient, (g, i) => blend(beta1, mean.data[i], g));
      const second = map(gradient, (g, i) => blend(beta2, square.data[i], round(g * g)));
      // both began at 0, which their means still remember
      const [bias1, bias2] = [beta1, beta2].map((beta) => round(1 - round(beta ** (step + 1))));
      const direction = map(first, (m, i) => {
        const size = round(Math.sqrt(round(second.data[i] / bias2)));
        return round(round(m / bias1) / round(size + epsilon));
      });
      return { direction, memory: [first, second] };
    },
  },
};

/** Return the state before the first step.
 * @param {Network} network @param {Settings} settings @returns {State} */
export function firstState(network, settings) {
  const { memories } = SCALINGS[settings.optimizer];
  const empty = (/** @type {Matrix} */ of) =>
    Array.from({ length: memories }, () => matrix(of.rows, of.columns));
  const optimizer = network.layers.map(({ weight, bias }) => ({
    weight: empty(weight),
    bias: bias && empty(bias),
  }));
  return { network, optimizer, step: 0 };
}

/** Take one step of training, and return it with all that led to it.
 * @param {State} state @param {Batch} batch @param {Settings} settings */
export function takeStep(state, batch, settings) {
  const { network } = state;
  const trace = forward(network, batch.input);
  const anatomy = backward(network, trace, batch.target, settings.loss, batch);
  const mean = gradients(anatomy);
  const moved = network.layers.map((dense, l) => ({
    weight: move(dense.weight, mean[l].weight, state.optimizer[l].weight, state, settings),
    bias: dense.bias && move(dense.bias, mean[l].bias, state.optimizer[l].bias, state, settings),
  }));
  /** @param {"after" | "update" | "memory"} what @returns {any[]} */
  const each = (what) =>
    moved.map(({ weight, bias }) => ({ weight: weight[what], bias: bias && bias[what] }));
  /** @type {State} */
  const next = {
    network: withParameters(network, each("after")),
    optimizer: each("memory"),
    step: state.step + 1,
  };
  /** @type {Parameters[]} */
  const updates = each("update");
  return { state: next, trace, anatomy, gradients: mean, updates };
}

/** Send one gradient through the optimizer: update = -learning_rate * scaling.
 * @param {Matrix} before @param {Matrix | null} gradient @param {Matrix[] | null} memory
 * @param {State} state @param {Settings} settings */
function move(before, gradient, memory, { network: { precision: round }, step }, settings) {
  const all = { ...DEFAULTS, ...settings };
  const [rate, momentum, beta1, beta2, epsilon] =
    [all.learning_rate, all.momentum, all.beta1, all.beta2, all.epsilon].map((one) => round(one));
  const numbers = { momentum, beta1, beta2, epsilon };
  const { scale } = SCALINGS[settings.optimizer];
  const scaled = scale(/** @type {Matrix} */ (gradient), memory ?? [], numbers, step, round);
  const update = map(scaled.direction, (d) => round(-rate * d));
  const after = map(before, (value, i) => round(value + update.data[i]));
  return { after, update, memory: scaled.memory };
}

/** Take one step of training. The state given is not changed.
 * @param {State} state @param {Batch} batch @param {Settings} settings @returns {State} */
export function step(state, batch, settings) {
  return takeStep(state, batch, settings).state;
}

// --- clones: neurons that are the same neuron, and stay so under any gradient step --------------

/** Return what `rule` says of every hidden layer, by its name.
 * @template T @param {Network} network @param {(dense: Dense, l: number) => T} rule
 * @returns {Record<string, T>} */
function eachHidden({ layers }, rule) {
  return Object.fromEntries(layers.slice(0, -1).map((dense, l) => [dense.name, rule(dense, l)]));
}

/** Return the weights in with the bias, and the weights out, of each neuron of a hidden layer.
 * @param {Network} network @param {number} l */
function sides({ layers }, l) {
  const { weight, bias } = layers[l];
  const into = toRows(transposed(weight));
  const incoming = into.map((own, k) => (bias ? [...own, bias.data[k]] : own));
  return { incoming, outgoing: toRows(layers[l + 1].weight) };
}

/** Return the groups of equal neurons of every hidden layer: equal weights in, bias, weights out.
 * @param {Network} network @param {number} tolerance relative to the norms of both sides */
export function clones(network, tolerance = 1e-6) {
  return eachHidden(network, (_, l) => {
    const both = Object.values(sides(network, l));
    /** @param {number} one @param {number} k */
    const areEqual = (one, k) =>
      both.every((side) => {
        const difference = side[one].map((value, i) => value - side[k][i]);
        return norm(difference) <= tolerance * norm(side[one]);
      });
    /** @type {number[][]} */
    const groups = [];
    both[0].forEach((_, k) => {
      const mine = groups.find(([one]) => areEqual(one, k));
      if (mine) mine.push(k);
      else groups.push([k]);
    });
    return groups.filter((group) => group.length > 1);
  });
}

/** Return how many different neurons every hidden layer has: clones count once.
 * @param {Network} network @param {number} [tolerance] */
export function effectiveWidth(network, tolerance) {
  const groups = clones(network, tolerance);
  return eachHidden(network, ({ name, weight }) =>
    groups[name].reduce((width, group) => width - (group.length - 1), weight.columns),
  );
}

/** Return the largest difference between two neurons in any weight in, bias or weight out.
 * @param {Network} network */
export function apart(network) {
  return eachHidden(network, (_, l) => {
    const { incoming, outgoing } = sides(network, l);
    const neurons = incoming.map((side, k) => [...side, ...outgoing[k]]);
    const spreads = neurons[0].map((_, part) => {
      const values = neurons.map((neuron) => neuron[part]);
      return Math.max(...values) - Math.min(...values);
    });
    return Math.max(...spreads);
  });
}
