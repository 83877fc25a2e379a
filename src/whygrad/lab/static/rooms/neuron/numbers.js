/** Where every number of the room comes from, and how to doubt it. */
import { ACTIVATIONS } from "../../engine.js";
import { figure, rule, symbol, twoLines } from "../../formula.js";
import { isHeld, lossBy, neuronOf, valuesOf } from "./chain.js";

const CONTROLS = ["input", "weight", "bias", "target"];

/** What every number is the product of, and what it is the derivative by. */
const PRODUCTS = /** @type {Record<string, string[]>} */ ({
  delta: ["upstream", "slope"],
  weightGradient: ["delta", "input"],
  biasGradient: ["delta", "constant"],
});
const MOVED = /** @type {Record<string, string>} */ ({
  weightGradient: "weight", biasGradient: "bias", delta: "preactivation", upstream: "output",
});

/** @param {any} here @param {any} values @param {string} name */
function originOf(here, values, name) {
  const of = (/** @type {string} */ one) => figure(values[one], { of: one, isBracketed: true });
  if (PRODUCTS[name]) return twoLines(name, PRODUCTS[name], values);
  if (name === "preactivation" && !isHeld(here)) {
    return [["=", symbol("weight"), "·", symbol("input"), "+", symbol("bias")], ["=", of("weight"), "·", of("input"), "+", of("bias")]];
  }
  if (name === "output") {
    const { activation } = here.set;
    return [["=", rule(activation), "(", symbol("preactivation"), ")"], ["=", rule(activation), "(", figure(values.preactivation), ")"]];
  }
  if (name === "loss") {
    const made = (/** @type {(name: string) => any} */ shown) => ["=", symbol("half"), "(", shown("output"), "−", shown("target"), ")²"];
    return [made(symbol), made(of)];
  }
  if (name === "upstream") return [["=", symbol("output"), "−", symbol("target")], ["=", of("output"), "−", of("target")]];
  return null;
}

/** @param {any} here @param {any} values @param {string} name */
function checkOf(here, values, name) {
  if (name === "slope") {
    const { value } = ACTIVATIONS[here.set.activation];
    return { of: symbol("output"), by: symbol("preactivation"), at: values.preactivation, probe: value, claim: values.slope };
  }
  const by = MOVED[name];
  if (!by) return undefined;
  const at = by === "bias" ? neuronOf(here).bias : values[by];
  return { of: symbol("loss"), by: symbol(by), at, probe: lossBy(here, by), claim: values[name] };
}

/** Return every number that can be asked. @param {any} here */
export function numbers(here) {
  const values = /** @type {Record<string, number>} */ (valuesOf(here));
  const names = [...CONTROLS, "constant", "preactivation", "output", "loss", "upstream", "slope", "delta", "weightGradient", "biasGradient"];
  return Object.fromEntries(names.map((name) => [name, {
    value: values[name],
    symbol: symbol(name),
    title: `neuron.quantity.${name}`,
    says: [`neuron.about.${name === "preactivation" && isHeld(here) ? "held" : name}`],
    from: originOf(here, values, name),
    check: checkOf(here, values, name),
    control: CONTROLS.includes(name) ? name : undefined,
  }]));
}

/** Return the table on screen. @param {any} here */
export function table(here) {
  const values = /** @type {Record<string, number>} */ (valuesOf(here));
  return { head: ["quantity", "value"], rows: Object.entries(values) };
}

/** @param {number} value */
const written = (value) => (Number.isInteger(value) ? value.toFixed(1) : String(value));

/** @param {any} set @param {number} step */
const steps = (set, step) => `
for step in range(${step}):
    gradient = walk(w, b).gradients()["output"]
    w = w - ${written(set.rate)} * gradient["weight"]
    b = b - ${written(set.rate)} * gradient["bias"]
`;

/** Return a program that prints the same numbers. @param {any} here */
export function python(here) {
  const { set, step, room } = here;
  const { bias } = room.begin(set);
  return `import jax

jax.config.update("jax_enable_x64", True)

import numpy as np
import whygrad as wg

w = np.array([[${written(set.weight)}]])
b = np.array([${written(bias)}])${set.hold ? `  # z is held at ${written(set.held)}: the bias makes up for the input` : ""}
x, y = np.array([[${written(set.input)}]]), np.array([[${written(set.target)}]])


def walk(w, b):
    network = wg.Network.from_arrays([w], [b], activations=["${set.activation}"])
    return wg.backward(network, wg.forward(network, x), y, loss="squared")

${step > 0 ? steps(set, step) : ""}
anatomy = walk(w, b)
neuron, gradient = anatomy["output"], anatomy.gradients()["output"]
print(f"z       {neuron.preactivation.item():.4g}")
print(f"a       {neuron.output.item():.4g}")
print(f"C       {anatomy.loss.item():.4g}")
print(f"dC/da   {neuron.upstream.item():.4g}")
print(f"slope   {neuron.slope.item():.4g}")
print(f"delta   {neuron.delta.item():.4g}")
print(f"dC/dw   {gradient['weight'].item():.4g}")
print(f"dC/db   {gradient['bias'].item():.4g}")
`;
}
