/**
 * How networks start: seeded draws that are the same in every browser, and in `lab/draws.py`.
 */

import { exact, matrix, network } from "./engine.js";

/** @typedef {import("./engine.js").Matrix} Matrix */

/** ln(x) for 0 < x < 1, of +, -, * and / alone: Math.log may be rounded otherwise elsewhere.
 * @param {number} x */
function logarithm(x) {
  let halvings = 0;
  for (; x < 0.5; x *= 2) halvings++;
  const [t, terms] = [(x - 1) / (x + 1), 20];
  let total = 0;
  for (let n = terms; n >= 0; n--) total = total * t * t + 1 / (2 * n + 1);
  return 2 * t * total - halvings * Math.LN2;
}

/** Return a generator of numbers; the same seed and stream give the same, in Python as well.
 * Source: sfc32 of Doty-Humphrey 2010; Marsaglia and Bray 1964 for normal ones.
 * @param {number} seed @param {number} stream such as the number of a layer */
export function random(seed, stream = 0) {
  let [a, b, c, counter] = [seed | 0, stream | 0, 0, 1];
  const bits = () => {
    const drawn = (a + b + counter++) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + drawn) | 0;
    return drawn >>> 0;
  };
  for (let i = 0; i < 20; i++) bits();
  const share = () => ((bits() >>> 5) * 2 ** 26 + (bits() >>> 6)) / 2 ** 53;
  const uniform = (low = 0, high = 1) => low + (high - low) * share();
  const normal = (mean = 0, deviation = 1) => {
    for (;;) {
      const [u, v] = [2 * share() - 1, 2 * share() - 1];
      const s = u * u + v * v;
      if (s > 0 && s < 1) return mean + deviation * (u * Math.sqrt((-2 * logarithm(s)) / s));
    }
  };
  return { uniform, normal };
}

/** @typedef {ReturnType<typeof random>} Generator */
/** @typedef {(value: number | undefined, nIn: number, nOut: number) =>
 *   (from: Generator) => number} Start */
/** @typedef {(nIn: number, nOut: number) => number} Variance */
/** @param {Variance} variance @returns {Start} */
const scaledNormal = (variance) => (_, nIn, nOut) => (from) =>
  from.normal(0, Math.sqrt(variance(nIn, nOut)));
/** @param {Variance} variance @returns {Start} */
const scaledUniform = (variance) => (_, nIn, nOut) => (from) => {
  const width = Math.sqrt(3 * variance(nIn, nOut));
  return from.uniform(-width, width);
};
/** LeCun and others 1998; Glorot and Bengio 2010; He and others 2015. @param {number} nIn */
const byFanIn = (nIn) => 1 / nIn;
/** @param {number} nIn @param {number} nOut */
const byBothFans = (nIn, nOut) => 2 / (nIn + nOut);
/** @param {number} nIn */
const byFanInOfRelu = (nIn) => 2 / nIn;

/** @type {Record<string, Start>} */
export const INITIALIZERS = {
  zeros: () => () => 0,
  constant: (value = 0.5) => () => value,
  normal: (value = 0.05) => (from) => from.normal(0, value),
  uniform: (value = 0.05) => (from) => from.uniform(-value, value),
  lecun_normal: scaledNormal(byFanIn),
  lecun_uniform: scaledUniform(byFanIn),
  glorot_normal: scaledNormal(byBothFans),
  glorot_uniform: scaledUniform(byBothFans),
  he_normal: scaledNormal(byFanInOfRelu),
  he_uniform: scaledUniform(byFanInOfRelu),
};

/** Return the starting weights of a layer, or with `rows` 1 its biases: one more row of weights.
 * @param {string} spec `name` or `name:value` @param {Generator} generator
 * @param {number} nIn @param {number} nOut @param {number} rows */
export function draw(spec, generator, nIn, nOut, rows = nIn) {
  const [name, value] = spec.split(":");
  const rule = INITIALIZERS[name](value === undefined ? undefined : Number(value), nIn, nOut);
  return matrix(rows, nOut, Array.from({ length: rows * nOut }, () => rule(generator)));
}

/** @typedef {string | (string | Matrix)[]} Starts `name:value`, or one, or a matrix, a layer */

/**
 * Draw a network.
 * @param {{sizes: number[], activations: string[], init?: Starts, biasInit?: Starts, seed?: number,
 *   precision?: import("./engine.js").Precision}} options
 */
export function create(options) {
  const { sizes, activations, seed = 0, precision = exact } = options;
  const { init = "he_normal", biasInit = "zeros" } = options;
  /** @param {Starts} given @param {number} l @param {Generator} from @param {number} rows */
  const start = (given, l, from, rows) => {
    const mine = typeof given === "string" ? given : given[l];
    return typeof mine === "string" ? draw(mine, from, sizes[l], sizes[l + 1], rows) : mine;
  };
  const drawn = sizes.slice(1).map((_, l) => {
    const from = random(seed, l);
    return { weight: start(init, l, from, sizes[l]), bias: start(biasInit, l, from, 1) };
  });
  const [weights, biases] = [drawn.map(({ weight }) => weight), drawn.map(({ bias }) => bias)];
  return network({ weights, biases, activations, precision });
}
