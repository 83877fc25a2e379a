/** Where every number of the room comes from, and how to doubt it. */
import { backward, effectiveWidth, apart, forward, matrix, network as build, withParameters } from "../../engine.js";
import { calculated, printed, relation } from "../../calculator.js";
import { figure, rule, symbol } from "../../formula.js";
import { asked } from "../../state.js";
import { html } from "../../vendor/preact.js";
import { ofNeuron, rowsOf, wordsOf } from "./proof.js";
import { inputs, lookedAt, lossOf, movedOf, samples, telling } from "./training.js";

/** Where each parameter of a neuron stands: its layer, its matrix, and its place. @param {number} n @param {number} k
 * @returns {Record<string, [number, "weight" | "bias", number]>} */
const places = (n, k) => ({
  ...Object.fromEntries(Array.from({ length: inputs() }, (_, j) => [`w${j + 1}`, [0, "weight", j * n + k]])),
  b: [0, "bias", k], v: [1, "weight", k],
});

/** Return a network with one number replaced.
 * @param {any} of @param {[number, "weight" | "bias", number]} place @param {number} value */
export function replaced(of, [l, part, at], value) {
  const parameters = of.layers.map((/** @type {any} */ { weight, bias }) => ({ weight, bias }));
  const old = parameters[l][part];
  const next = matrix(old.rows, old.columns, old.data);
  next.data[at] = value;
  parameters[l] = { ...parameters[l], [part]: next };
  return withParameters(of, parameters);
}

/** Return the loss of the first sample as a function of what a neuron received. @param {any} of @param {number} k */
function lossByZ(of, k) {
  const { input, target } = samples();
  const first = matrix(1, input.columns, input.data.slice(0, input.columns));
  const z = forward(of, first).layers[0].preactivation;
  const [hidden, output] = of.layers;
  const n = hidden.weight.columns;
  const identity = matrix(n, n, Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)));
  const rest = build({ weights: [identity, output.weight], biases: [null, output.bias], activations: [hidden.activation, output.activation] });
  return (/** @type {number} */ moved) => {
    const given = matrix(1, n, z.data);
    given.data[k] = moved;
    return backward(rest, forward(rest, given), matrix(1, 1, [target.data[0]]), telling().loss).loss;
  };
}

/** Return w · x of every input, as parts of a formula. @param {Record<string, number>} values */
export function productsOf(values) {
  const of = (/** @type {string} */ one, colour = "") => html`<mrow class="live ${colour}">${figure(values[one], { isBracketed: true })}</mrow>`;
  return Array.from({ length: inputs() }, (_, j) => [of(`w${j + 1}`), "·", of(`x${j + 1}`, "red")]);
}

const SHORT = 3; // terms of a sum that a phone shows in one line

/** Return a number and the sum that it is, as lines of a formula: a longer one has a term a line.
 * @param {number} value @param {any[][]} terms */
export function linesOf(value, terms) {
  const sum = terms.flatMap((term, i) => [...(i === 0 ? [] : ["+"]), ...term]);
  const side = calculated(sum);
  const sign = side ? relation(printed(value), side) : "=";
  if (terms.length <= SHORT) return [[figure(value), sign, ...sum]];
  return terms.map((term, i) => [i === 0 ? html`<mrow>${figure(value)}<mo>${sign}</mo></mrow>` : "+", ...term]);
}

/** @param {Record<string, number>} values @param {string} name @param {string} activation */
function originOf(values, name, activation) {
  const of = (/** @type {string} */ one, colour = "") => html`<mrow class="live ${colour}">${figure(values[one], { isBracketed: true })}</mrow>`;
  const filled = /** @type {Record<string, () => any[]>} */ ({
    a: () => [rule(activation, "f"), "(", figure(values.z), ")"],
    delta: () => [of("v"), "·", of("deltaOut"), "·", of("slope", "green")],
  })[name];
  const row = rowsOf(inputs())[name];
  if (!row.of.length) return undefined;
  const received = name === "a" ? linesOf(values.z, [...productsOf(values), [of("b")]]) : [];
  return [["=", ...row.of], ...received, ...(filled ? [["=", ...filled()]] : [])];
}

/** @param {any} run @param {string} name @param {number} k @param {Record<string, number>} values */
function checkOf(run, name, k, values) {
  const { network } = run.state;
  if (name === "delta") {
    return { of: html`<msub><mi>C</mi><mn>1</mn></msub>`, by: symbol("preactivation"), at: values.z, probe: lossByZ(network, k), claim: values.delta };
  }
  const by = name.slice(1);
  const rows = rowsOf(inputs());
  if (!name.startsWith("d") || !(by in rows)) return undefined;
  const place = places(network.layers[0].weight.columns, k)[by];
  const probe = (/** @type {number} */ moved) => lossOf(replaced(network, place, moved));
  return { of: symbol("loss"), by: rows[by].symbol, at: values[by], probe, claim: values[name] };
}

const HALF = html`<mfrac><mn>1</mn><mn>2</mn></mfrac>`;

/** Return what is told of the loss: its sentence, and its formula. */
export function lossTold() {
  const { kind } = samples();
  const parts = kind === "quantity"
    ? [HALF, "(", symbol("y"), "−", symbol("p"), html`<msup><mo stretchy="false">)</mo><mn>2</mn></msup>`]
    : ["−", symbol("y"), html`<mi>ln</mi>`, symbol("p"), "−", "(", html`<mn>1</mn>`, "−", symbol("y"), ")", html`<mi>ln</mi>`, "(", html`<mn>1</mn>`, "−", symbol("p"), ")"];
  return { says: [`copying.about.loss.${kind}`], from: [["=", html`<mtext>mean</mtext>`, "[", ...parts, "]"]] };
}

/** Return every number that can be asked: those of the room, and of the two neurons that are compared.
 * @param {any} here @param {number[]} pair */
export function numbersOf({ run }, pair) {
  const { network } = run.state;
  const n = network.layers[0].weight.columns;
  const text = (/** @type {string} */ name, /** @type {number} */ value, /** @type {any} */ symbol, more = {}) =>
    ({ value, symbol, title: wordsOf("quantity", name), says: [wordsOf("about", name)[0], { ...wordsOf("about", name)[1], n: String(n), neurons: n }], ...more });
  const { loss } = lookedAt(run.state);
  const found = /** @type {Record<string, any>} */ ({
    loss: text("loss", loss, symbol("loss"), lossTold()),
    width: text("width", effectiveWidth(network).hidden1, html`<mtext>≠</mtext>`),
    apart: text("apart", apart(network).hidden1, html`<mtext>max</mtext>`),
    ...(run.one ? { one: text("one", lookedAt(run.one).loss, symbol("loss")) } : {}),
  });
  for (const [name, value] of Object.entries(movedOf(run))) found[`moved.${name}`] = text(`moved.${name}`, value, html`<mtext>max</mtext>`);
  const named = Number(/\.(\d+)$/.exec(asked.value)?.[1] ?? 0) - 1; // a link may ask a neuron that is not compared
  for (const k of new Set([...pair, named])) {
    if (!(k >= 0 && k < n)) continue;
    const values = ofNeuron(run, k);
    for (const [name, row] of Object.entries(rowsOf(inputs())))
      found[`${name}.${k + 1}`] = text(name, values[name], row.symbol, { from: originOf(values, name, network.layers[0].activation), check: checkOf(run, name, k, values) });
  }
  return found;
}

/** Return the table on screen: every neuron, with its gradients. @param {any} here */
export function table({ run }) {
  const names = Object.keys(rowsOf(inputs()));
  const n = run.state.network.layers[0].weight.columns;
  return {
    head: ["neuron", ...names],
    rows: Array.from({ length: n }, (_, k) => [k + 1, ...names.map((name) => ofNeuron(run, k)[name])]),
  };
}
