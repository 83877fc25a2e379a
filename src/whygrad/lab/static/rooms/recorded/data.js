/**
 * A recorded run as the page holds it; `lab/recorded.py` and `lab/whole.py` say how it is packed.
 * Nothing is unpacked before it is looked at, and then once.
 *
 * A size is a code on a scale of logarithms that each factor of each neuron has. What was not
 * recorded is ABSENT: sizes are never negative.
 */
import { packed } from "../../state.js";

export const FACTORS = ["upstream", "slope", "input", "agreement"];
export const GROUPS = 64; // neurons that are shown one by one; of more, groups are
export const ABSENT = -1;
const FIRST = 4; // of the codes that stand for sizes
export const LAST = 65_535;
const MARKS = [0, Infinity, NaN, ABSENT];
const KINDS = { f4: Float32Array, u2: Uint16Array, u4: Uint32Array };

/** @type {WeakMap<object, Record<string, any>>} */
const unpacked = new WeakMap();

/** Return what is packed under a name, as an array. @param {any} owner @param {string} name
 * @param {keyof typeof KINDS} [kind] @returns {any} */
export function array(owner, name, kind = "f4") {
  if (!unpacked.has(owner)) unpacked.set(owner, Object.create(null));
  const known = /** @type {Record<string, any>} */ (unpacked.get(owner));
  if (!known[name]) {
    const text = atob(owner[name]);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i); // Uint8Array.from takes ten times as long
    known[name] = new KINDS[kind](bytes.buffer);
  }
  return known[name];
}

const LATELY = 60; // results that are kept
/** @type {Map<string, any>} */
const lately = new Map();

/** Return what a rule gives, worked out once for as long as it is of use. @param {string} key @param {() => any} rule */
function once(key, rule) {
  if (!lately.has(key)) {
    if (lately.size >= LATELY) lately.delete(/** @type {string} */ (lately.keys().next().value));
    lately.set(key, rule());
  }
  return lately.get(key);
}

export const run = () => packed.recorded;

/** Return the place of a layer, or -1. @param {string} name */
export const placeOf = (name) => run().layers.findIndex((/** @type {any} */ one) => one.name === name);

/** Return the stop at a step, or the nearest to it. @param {number} step */
export function stopAt(step) {
  const { steps } = run();
  let best = 0;
  for (let i = 1; i < steps.length; i++) if (Math.abs(steps[i] - step) < Math.abs(steps[best] - step)) best = i;
  return best;
}

/** Return the loss at a step; NaN where it was not finite, or is not known. @param {number} step */
export function lossAt(step) {
  const at = array(run().loss, "steps", "u4").indexOf(step);
  return at < 0 ? NaN : array(run().loss, "values")[at];
}

/** Return sizes at a stop, factor by factor; null where they were left out.
 * @param {any} tier @param {number} stop */
function sizesAt(tier, stop) {
  const at = tier.stops.indexOf(stop);
  if (at < 0) return null;
  const [codes, scale] = [array(tier, "codes", "u2"), array(tier, "scale")];
  const count = FACTORS.length * tier.count;
  return Float64Array.from({ length: count }, (_, i) => size(codes[at * count + i], scale, i));
}

/** @param {number} code @param {Float32Array} scale @param {number} i */
function size(code, scale, i) {
  return code < FIRST ? MARKS[code] : 2 ** (scale[2 * i] + (code - FIRST) * scale[2 * i + 1]);
}

/** Return the four factors of every neuron at a stop, [factor][neuron] in one array: exact where the
 * step is whole, else from codes; null where they were left out. @param {number} layer @param {number} stop */
export function factorsAt(layer, stop) {
  const whole = wholeAt(layer, run().steps[stop]);
  return whole ? array(whole, "factors") : once(`factors ${layer} ${stop}`, () => sizesAt(run().layers[layer].single, stop));
}

/** Return how many neurons a group of a layer has; 1 where each stands for itself. @param {number} layer */
export const groupSize = (layer) => Math.ceil(run().layers[layer].neurons / GROUPS);

/** Return the medians of groups of neighbouring neurons, as `factorsAt` returns factors.
 * @param {number} layer @param {number} stop */
export const groupsAt = (layer, stop) => once(`groups ${layer} ${stop}`, () => medians(layer, stop));

/** @param {number} layer @param {number} stop */
function medians(layer, stop) {
  const { grouped, neurons } = run().layers[layer];
  if (grouped) return sizesAt(grouped, stop);
  const [all, by] = [factorsAt(layer, stop), groupSize(layer)];
  if (by === 1 || !all) return all;
  const count = Math.ceil(neurons / by);
  return Float64Array.from({ length: FACTORS.length * count }, (_, i) => {
    const [factor, group] = [Math.floor(i / count), i % count];
    const begin = factor * neurons + group * by;
    return median(all.slice(begin, Math.min(begin + by, (factor + 1) * neurons)));
  });
}

/** @param {any} values */
export function median(values) {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Return the nearest stop at which single neurons of a layer are kept; -1 where none is.
 * @param {number} layer @param {number} stop */
export function nearestSingle(layer, stop) {
  const stops = [...run().layers[layer].single.stops, ...wholeStops(layer)];
  return stops.reduce((best, one) => (best < 0 || Math.abs(one - stop) < Math.abs(best - stop) ? one : best), -1);
}

/** Return a neuron's factors over the run: stops, and a series of each factor.
 * @param {number} layer @param {number} neuron */
export function seriesOf(layer, neuron) {
  const { single } = run().layers[layer];
  const [codes, scale] = [array(single, "codes", "u2"), array(single, "scale")];
  const values = FACTORS.map((_, f) => {
    const i = f * single.count + neuron;
    return single.stops.map((/** @type {number} */ _, /** @type {number} */ at) => size(codes[at * FACTORS.length * single.count + i], scale, i));
  });
  return { stops: single.stops, values };
}

/** Return the least and the largest size of each factor of a layer over the run, for its scale.
 * @param {number} layer */
export const rangesOf = (layer) => once(`ranges ${layer}`, () => ranges(layer));

/** @param {number} layer */
function ranges(layer) {
  const one = run().layers[layer];
  const tier = one.grouped ?? one.single;
  const scale = array(tier, "scale");
  return FACTORS.map((_, f) => {
    let [low, high] = [Infinity, -Infinity];
    for (let k = 0; k < tier.count; k++) {
      const i = 2 * (f * tier.count + k);
      if (scale[i] === 0 && scale[i + 1] === 0) continue; // nothing but marks
      low = Math.min(low, scale[i]);
      high = Math.max(high, scale[i] + (LAST - FIRST) * scale[i + 1]);
    }
    return low <= high ? [low, high] : [0, 0];
  });
}

/** Return what is kept of a layer at a whole step; null where nothing is. @param {number} layer @param {number} step */
export function wholeAt(layer, step) {
  const found = run().whole.find((/** @type {any} */ one) => one.step === step);
  return found?.layers[layer] ?? null;
}

/** Return the stops at which a layer is kept whole. @param {number} layer @returns {number[]} */
export function wholeStops(layer) {
  return run().whole.filter((/** @type {any} */ one) => one.layers[layer]).map((/** @type {any} */ one) => run().steps.indexOf(one.step)).filter((/** @type {number} */ at) => at >= 0);
}

/** Return the product of four factors: the size of the gradient. @param {number[]} four */
export const product = (four) => (four.includes(ABSENT) ? ABSENT : four.reduce((all, one) => all * one, 1));

/** Return the four factors of one neuron, or group, of what `factorsAt` returned.
 * @param {any} all @param {number} at @returns {number[]} */
export const fourOf = (all, at) => FACTORS.map((_, f) => all[(f * all.length) / FACTORS.length + at]);
