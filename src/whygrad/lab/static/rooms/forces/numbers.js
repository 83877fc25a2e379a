/** Where every number of the room comes from, and how to doubt it. */
import { html } from "../../vendor/preact.js";
import { ACTIVATIONS } from "../../engine.js";
import { figure, rule, symbol } from "../../formula.js";
import { CONNECTIONS, LAST, lossBy, lossByParameter, NEURONS, partsOf, pathsOf, place, SIZES, valuesOf } from "./net.js";

/** @typedef {import("../../number.js").Told} Told */

const sub = (/** @type {string} */ letter, /** @type {string | number} */ index) => html`<msub><mi>${letter}</mi><mn>${index}</mn></msub>`;
const partial = (/** @type {any} */ under) => html`<mfrac><mrow><mo>∂</mo><mi>C</mi></mrow><mrow><mo>∂</mo>${under}</mrow></mfrac>`;

/** Symbols with the number of their neuron; those of the notes' colours with them. */
export const symbols = {
  a: (/** @type {number} */ k) => sub("a", k),
  input: (/** @type {number} */ j) => html`<mrow class="red">${sub("a", j)}</mrow>`,
  one: () => html`<mrow class="blue"><mn>1</mn></mrow>`,
  z: (/** @type {number} */ k) => sub("z", k),
  y: () => html`<mi>y</mi>`,
  C: () => html`<mi>C</mi>`,
  u: (/** @type {number} */ k) => partial(sub("a", k)),
  slope: (/** @type {number} */ k) => html`<mrow class="green"><msup><mi>σ</mi><mo>′</mo></msup><mo>(</mo>${sub("z", k)}<mo>)</mo></mrow>`,
  delta: (/** @type {number} */ k) => sub("δ", k),
  weight: (/** @type {number} */ j, /** @type {number} */ k) => sub("w", `${j}${k}`),
  bias: (/** @type {number} */ k) => sub("b", k),
  byWeight: (/** @type {number} */ j, /** @type {number} */ k) => partial(sub("w", `${j}${k}`)),
  byBias: (/** @type {number} */ k) => partial(sub("b", k)),
};
const S = symbols;

const shown = (/** @type {number} */ value, of = "") => figure(value, { of, isBracketed: true });
/** Return what stands between, after every item but the first. @param {any[][]} terms */
const summed = (terms) => terms.flatMap((term, i) => (i === 0 ? term : ["+", ...term]));

/** Return a way from a neuron to the loss as text, and the name of its number.
 * @param {number} l @param {number[]} way */
export const wayOf = (l, way) => way.map((k, i) => place(l + i, k)).join(" → ");
export const pathName = (/** @type {number} */ l, /** @type {number[]} */ way) => `way${l}${way.join("")}`;

/** @param {any} values @param {{l: number, k: number}} of @returns {[string, Told][]} */
function ofWays(values, { l, k }) {
  if (l === LAST) return [];
  return pathsOf(values, l, k).map(({ way, factors, part }) => [pathName(l, way), {
    title: ["forces.quantity.path", { way: wayOf(l, way) }], says: ["forces.about.path"], value: part, symbol: html`<mi>Π</mi>`,
    from: [["=", ...factors.flatMap((one, i) => [...(i > 0 ? ["·"] : []), shown(one, i % 2 === 1 ? "slope" : "")])]],
  }]);
}

/** @param {any} here @param {any} values @param {{l: number, k: number}} of @returns {[string, Told][]} */
function ofNeuron(here, values, { l, k }) {
  const at = { place: place(l, k) };
  const [a, u] = [values.a[l][k], values.u[l][k]];
  const parts = partsOf(values, l, k);
  const isEnd = l === LAST;
  const entry = (/** @type {string} */ name, /** @type {any} */ more) => [`${name}${l}${k}`, { title: [`forces.quantity.${name}`, at], says: [`forces.about.${name}`, at], ...more }];
  const upstream = {
    value: u, symbol: S.u(k),
    says: [isEnd ? "forces.about.u.last" : "forces.about.u", at],
    from: isEnd ? [["=", S.a(k), "−", S.y()], ["=", shown(a), "−", shown(values.y)]]
      : [["=", ...summed(parts.map((one) => [shown(one.weight), "·", shown(one.delta)]))], ["=", ...summed(parts.map(({ part }) => [shown(part)]))]],
    check: { of: S.C(), by: S.a(k), at: a, probe: lossBy(here, "a", l, k), claim: u },
  };
  /** @type {any[]} */
  const each = parts.map(({ k: to, weight, delta, part }) => entry(`p${to}`, {
    title: ["forces.quantity.p", { ...at, to: place(l + 1, to) }], says: ["forces.about.p", { to: place(l + 1, to) }],
    value: part, symbol: html`<mrow>${S.weight(k, to)}<mo>·</mo>${S.delta(to)}</mrow>`,
    from: [["=", shown(weight), "·", shown(delta)]],
    check: { of: S.C(), by: S.a(k), at: a, probe: lossBy(here, "a", l, k, { only: to }), claim: part },
  }));
  if (l === 0) return [entry("x", { value: a, symbol: S.input(k), control: `x${k}` }), entry("u", upstream), ...each].map(([name, one]) => [name === `x0${k}` ? `x${k}` : name, one]);
  const [z, slope, delta, bias] = [values.z[l][k], values.slope[l][k], values.delta[l][k], values.biases[l][k]];
  const sum = values.weights[l].map((/** @type {number[]} */ row, /** @type {number} */ j) => [shown(row[k]), "·", shown(values.a[l - 1][j], "input")]);
  const activation = isEnd ? "identity" : here.set.activation;
  const byBias = lossByParameter(here, `b${l}${k}`);
  return [
    entry("a", { value: a, symbol: S.a(k), from: [isEnd ? ["=", S.z(k)] : ["=", rule(activation), "(", figure(z), ")"]] }),
    entry("z", { value: z, symbol: S.z(k), from: [["=", ...summed([...sum, [shown(bias)]])]] }),
    entry("u", upstream), ...each,
    entry("slope", { value: slope, symbol: S.slope(k), says: [isEnd ? "forces.about.slope.last" : "forces.about.slope", at], check: { of: S.a(k), by: S.z(k), at: z, probe: ACTIVATIONS[activation].value, claim: slope } }),
    entry("delta", {
      says: [isEnd ? "forces.about.delta.last" : "forces.about.delta", at], value: delta, symbol: S.delta(k),
      from: [["=", S.u(k), "·", S.slope(k)], ["=", shown(u), "·", shown(slope, "slope")]],
      check: { of: S.C(), by: S.z(k), at: z, probe: lossBy(here, "z", l, k), claim: delta },
    }),
    entry("b", { value: bias, symbol: S.bias(k), control: `b${l}${k}` }),
    entry("gb", {
      value: delta, symbol: S.byBias(k),
      from: [["=", S.delta(k), "·", S.one()], ["=", shown(delta), "·", S.one()]],
      check: { of: S.C(), by: S.bias(k), at: bias, probe: byBias, claim: delta },
    }),
  ];
}

/** @param {any} here @param {any} values @param {{l: number, j: number, k: number}} of @returns {[string, any][]} */
function ofConnection(here, values, { l, j, k }) {
  const at = { from: place(l - 1, j), to: place(l, k) };
  const [weight, a, delta] = [values.weights[l][j][k], values.a[l - 1][j], values.delta[l][k]];
  return [
    [`w${l}${j}${k}`, { title: ["forces.quantity.w", at], says: ["forces.about.w"], value: weight, symbol: S.weight(j, k), control: `w${l}${j}${k}` }],
    [`gw${l}${j}${k}`, {
      title: ["forces.quantity.gw", at], says: ["forces.about.gw", at], value: a * delta, symbol: S.byWeight(j, k),
      from: [["=", S.input(j), "·", S.delta(k)], ["=", shown(a, "input"), "·", shown(delta)]],
      check: { of: S.C(), by: S.weight(j, k), at: weight, probe: lossByParameter(here, `w${l}${j}${k}`), claim: a * delta },
    }],
  ];
}

/** Return every number that can be asked. @param {any} here @returns {Record<string, Told>} */
export function numbers(here) {
  const values = valuesOf(here);
  const [a, y] = [values.a[LAST][0], values.y];
  return Object.fromEntries([
    ...NEURONS.flatMap((of) => [...ofNeuron(here, values, of), ...ofWays(values, of)]),
    ...CONNECTIONS.flatMap((of) => ofConnection(here, values, of)),
    ["y", { title: "forces.quantity.y", says: ["forces.about.y"], value: y, symbol: S.y(), control: "y" }],
    ["C", { title: "forces.quantity.C", says: ["forces.about.C"], value: values.loss, symbol: S.C(), from: [["=", symbol("half"), "(", S.a(0), "−", S.y(), ")²"], ["=", symbol("half"), "(", shown(a), "−", shown(y), ")²"]] }],
  ]);
}

/** Return the table on screen. @param {any} here */
export function table(here) {
  const values = /** @type {any} */ (valuesOf(here));
  const neurons = NEURONS.flatMap(({ l, k }) => {
    const all = { a: "a", z: "z", u: "dC/da", slope: "slope", delta: "delta" };
    const told = Object.entries(all).filter(([what]) => l > 0 || what === "a" || what === "u").map(([what, name]) => [`${place(l, k)} ${name}`, values[what][l][k]]);
    return l > 0 ? [...told, [`${place(l, k)} bias`, values.biases[l][k]]] : told;
  });
  const connections = CONNECTIONS.flatMap(({ l, j, k }) => {
    const name = `${place(l)}.weight[${j}, ${k}]`;
    return [[name, values.weights[l][j][k]], [`dC/d ${name}`, values.a[l - 1][j] * values.delta[l][k]]];
  });
  return { head: ["quantity", "value"], rows: [...neurons, ...connections, ["y", values.y], ["C", values.loss]] };
}

/** @param {number} value */
const written = (value) => (Number.isInteger(value) ? value.toFixed(1) : String(value));
const rows = (/** @type {number[][]} */ all) => `[${all.map((row) => `[${row.map(written).join(", ")}]`).join(", ")}]`;

/** Return a program that prints the same numbers. @param {any} here */
export function python(here) {
  const { set, step, room } = here;
  const { weights, biases } = room.begin(set);
  const names = SIZES.slice(1).map((_, i) => (i + 1 === LAST ? '"identity"' : `"${set.activation}"`));
  return `import jax

jax.config.update("jax_enable_x64", True)

import numpy as np
import whygrad as wg

weights = [
${weights.slice(1).map((/** @type {number[][]} */ one) => `    np.array(${rows(one)}),`).join("\n")}
]
biases = [
${biases.slice(1).map((/** @type {number[]} */ one) => `    np.array([${one.map(written).join(", ")}]),`).join("\n")}
]
x, y = np.array([[${written(set.x0)}, ${written(set.x1)}]]), np.array([[${written(set.y)}]])
for step in range(${step + 1}):
    network = wg.Network.from_arrays(weights, biases, activations=[${names.join(", ")}])
    anatomy = wg.backward(network, wg.forward(network, x), y, loss="squared")
    gradients = anatomy.gradients().values()
    if step < ${step}:
        weights = [w - ${written(set.rate)} * one["weight"] for w, one in zip(weights, gradients)]
        biases = [b - ${written(set.rate)} * one["bias"] for b, one in zip(biases, gradients)]

print(f"C = {anatomy.loss.item():.4g}")
for name, layer in anatomy.layers.items():
    for k in range(layer.delta.shape[1]):
        print(f"{name}[{k}]  a {layer.output[0, k]:.4g}  dC/da {layer.upstream[0, k]:.4g}", end="  ")
        print(f"slope {layer.slope[0, k]:.4g}  delta {layer.delta[0, k]:.4g}")
for name, one in anatomy.gradients().items():
    for j, k in np.ndindex(one["weight"].shape):
        print(f"dC/d {name}.weight[{j}, {k}]  {one['weight'][j, k]:.4g}")
`;
}
