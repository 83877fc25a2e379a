/** The numbers of one neuron, by the engine: forward, back, and what a nudge changes. */
import { ACTIVATIONS, backward, forward, gradient, matrix, network } from "../../engine.js";

export const LOSS = "squared";

/** @param {number} value */
const one = (value) => matrix(1, 1, [value]);

/**
 * Return every number of the chain.
 * @param {{input: number, weight: number, bias: number, target: number, activation: string}} neuron
 */
export function chainOf({ input, weight, bias, target, activation }) {
  const net = network({ weights: [one(weight)], biases: [one(bias)], activations: [activation] });
  const anatomy = backward(net, forward(net, one(input)), one(target), LOSS);
  const [layer] = anatomy.layers;
  const { weight: byWeight, bias: byBias } = gradient(layer);
  return {
    input, weight, bias, target,
    constant: 1,
    flow: input * weight,
    preactivation: layer.preactivation.data[0],
    output: layer.output.data[0],
    loss: anatomy.loss,
    upstream: layer.upstream.data[0],
    slope: layer.slope.data[0],
    delta: layer.delta.data[0],
    weightGradient: byWeight.data[0],
    biasGradient: byBias ? byBias.data[0] : 0,
  };
}

/** Return the neuron on screen. While z is held, whatever the input does is made up for by the bias.
 * @param {{set: any, run: any}} here */
export function neuronOf({ set: { input, target, activation }, run: { weight, bias } }) {
  return { input, weight, bias, target, activation };
}

/** z is held as long as no step is taken. @param {{set: any, step: number}} here */
export const isHeld = ({ set, step }) => set.hold && step === 0;

/** Return the numbers on screen; the bias is the one that was set, also while z is held.
 * @param {any} here */
export function valuesOf(here) {
  return { ...chainOf(neuronOf(here)), bias: isHeld(here) ? here.set.bias : here.run.bias };
}

/** Return the loss as a function of one quantity, all before it held.
 * @param {any} here @param {string} by */
export function lossBy(here, by) {
  const neuron = neuronOf(here);
  const { value } = ACTIVATIONS[neuron.activation];
  const lossAt = (/** @type {number} */ a) => (a - neuron.target) ** 2 / 2;
  if (by === "output") return lossAt;
  if (by === "preactivation") return (/** @type {number} */ z) => lossAt(value(z));
  return (/** @type {number} */ moved) => chainOf({ ...neuron, [by]: moved }).loss;
}

/** Return the slope of an activation. @param {string} activation @param {number} z */
export function slopeAt(activation, z) {
  const { value, slope } = ACTIVATIONS[activation];
  return slope(z, value(z));
}

const GRID = Array.from({ length: 801 }, (_, i) => (i - 400) / 50);
/** @type {Record<string, number>} */
const steepest = {};

/** Return the steepest slope that an activation has. @param {string} activation */
export function steepestOf(activation) {
  steepest[activation] ??= Math.max(...GRID.map((z) => slopeAt(activation, z)));
  return steepest[activation];
}

const FLAT = 0.01; // of the steepest slope: it looks flat
const SILENT = 0.001; // ... and next to nothing gets through

/** Return whether the curve is so flat where the neuron stands that it silences it.
 * @param {any} values @param {string} activation */
export function isSilent({ slope }, activation) {
  return Math.abs(slope) < SILENT * steepestOf(activation);
}

/** Return whether the curve looks flat. @param {string} activation @param {number} z */
export function isFlatAt(activation, z) {
  return Math.abs(slopeAt(activation, z)) < FLAT * steepestOf(activation);
}
