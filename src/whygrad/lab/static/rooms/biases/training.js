/** The runs of the room: eight seeds, and of each two networks with the same weights. */
import { create } from "../../draws.js";
import { firstState, takeStep } from "../../engine.js";
import { lookedAt, RANDOM, samples, settingsOf, sizesOf, telling } from "../copying/training.js";

export const SEEDS = 8;
export const KINDS = /** @type {const} */ (["zero", "random"]);

/** @typedef {import("../../engine.js").State} State */
/** @typedef {{losses: number[][], before: Curve | null}} Curve a step, and those before it */
/** @typedef {{states: State[][], curve: Curve | null}} Run `states`: by kind, then by seed */

/** How the biases of a kind start. @param {any} set @param {string} kind */
export const biasStart = (set, kind) => (kind === "zero" || set.spread === 0 ? "zeros" : `normal:${set.spread}`);

/** @param {any} set @returns {Run} */
export function begin(set) {
  const states = KINDS.map((kind) => Array.from({ length: SEEDS }, (_, i) => firstState(create({
    sizes: sizesOf(set), activations: [set.activation, telling().output],
    init: RANDOM, biasInit: biasStart(set, kind), seed: set.seed + i,
  }), settingsOf(set))));
  return { states, curve: null };
}

/** @param {Run} run @param {any} set @returns {Run} */
export function advance(run, set) {
  const settings = settingsOf(set);
  const taken = run.states.map((states) => states.map((state) => takeStep(state, samples(), settings)));
  return {
    states: taken.map((all) => all.map(({ state }) => state)),
    curve: { losses: taken.map((all) => all.map(({ anatomy }) => anatomy.loss)), before: run.curve },
  };
}

/** Return the losses of now, by kind and seed. @param {Run} run */
export const lossesOf = ({ states }) => states.map((all) => all.map((state) => lookedAt(state).loss));

/** @param {number[]} values */
export function bandOf(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const half = sorted.length / 2;
  return { low: sorted[0], middle: (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2, high: sorted[sorted.length - 1] };
}

/** Return the band of every step, by kind. @param {Run} run */
export function bandsOf(run) {
  const found = [lossesOf(run)];
  for (let at = run.curve; at; at = at.before) found.push(at.losses);
  return KINDS.map((_, i) => found.map((losses) => bandOf(losses[i])).reverse());
}

/** Return what the two kinds come to: their bands, whether these overlap, and in how many seeds biases
 * of 0 are ahead. @param {Run} run */
export function comparisonOf(run) {
  const [zero, random] = lossesOf(run);
  const [first, second] = [bandOf(zero), bandOf(random)];
  return {
    zero: first, random: second,
    ahead: zero.filter((loss, i) => loss < random[i]).length,
    isOverlapping: Math.max(first.low, second.low) <= Math.min(first.high, second.high),
  };
}
