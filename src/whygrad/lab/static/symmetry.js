/**
 * Clones: neurons that are the same neuron. The twin of `core/symmetry.py`, for equal ones.
 *
 * Two neurons of one layer with equal weights in and bias have equal outputs. If their weights out
 * are equal too, they get equal upstream, so equal gradients, so they are equal after the step.
 */

import { norm, toRows, transposed } from "./engine.js";

/** @typedef {import("./engine.js").Network} Network */
/** @typedef {import("./engine.js").Dense} Dense */

/** Return the weights in with the bias, and the weights out, of each neuron of a hidden layer.
 * @param {Network} network @param {number} l */
function sides({ layers }, l) {
  const { weight, bias } = layers[l];
  const into = toRows(transposed(weight));
  const incoming = into.map((own, k) => (bias ? [...own, bias.data[k]] : own));
  return { incoming, outgoing: toRows(layers[l + 1].weight) };
}

/** Return the groups of equal neurons of every hidden layer: equal weights in, bias, weights out.
 * @param {Network} network @param {number} tolerance relative to the norms of both sides
 * @returns {Record<string, number[][]>} */
export function clones(network, tolerance = 1e-6) {
  return eachHidden(network, (_, l) => {
    const both = Object.values(sides(network, l));
    /** @type {number[][]} */
    const groups = [];
    both[0].forEach((_, k) => {
      /** @param {number[]} group */
      const isLike = ([one]) => both.every((side) => near(side[one], side[k], tolerance));
      const mine = groups.find(isLike);
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

/** @param {number[]} one @param {number[]} other @param {number} tolerance */
function near(one, other, tolerance) {
  const difference = one.map((value, i) => value - other[i]);
  return norm(difference) <= tolerance * norm(one);
}

/** Return what `rule` says of every hidden layer, by its name.
 * @template T @param {Network} network @param {(dense: Dense, l: number) => T} rule
 * @returns {Record<string, T>} */
function eachHidden({ layers }, rule) {
  return Object.fromEntries(layers.slice(0, -1).map((dense, l) => [dense.name, rule(dense, l)]));
}
