/** Where the numbers of the room come from, and the program that prints them. */
import { effectiveWidth } from "../../engine.js";
import { figure, rule, symbol } from "../../formula.js";
import { html } from "../../vendor/preact.js";
import { linesOf, lossTold, productsOf, replaced } from "../copying/numbers.js";
import { inputOf, ofNeuron, weightOf } from "../copying/proof.js";
import { drawn, head, training } from "../copying/python.js";
import { inputs, lookedAt, lossOf, RANDOM } from "../copying/training.js";
import { biasStart, comparisonOf, KINDS, lossesOf, SEEDS } from "./training.js";

const DB = html`<mfrac><mrow><mo>∂</mo><mi>C</mi></mrow><mrow><mo>∂</mo><mi>b</mi></mrow></mfrac>`;
const FEW = 2; // inputs whose products are written one by one
const SUM = [html`<munder><mo>∑</mo><mi>j</mi></munder>`, weightOf("j"), "·", inputOf("j")];

/** Return what comes in, as parts of a formula. */
const flow = () => (inputs() > FEW ? SUM : Array.from({ length: inputs() }, (_, j) => [...(j ? ["+"] : []), weightOf(j + 1), "·", inputOf(j + 1)]).flat());

/** Return what is told of a neuron: its symbol, and what it is made of. @returns {Record<string, {symbol: any, of: any[]}>} */
export const rowsOf = () => ({
  flow: { symbol: html`<mrow>${flow().map((part) => (typeof part === "string" ? html`<mo>${part}</mo>` : part))}</mrow>`, of: [] },
  b: { symbol: symbol("bias"), of: [] },
  z: { symbol: symbol("preactivation"), of: [...flow(), "+", symbol("bias")] },
  a: { symbol: symbol("output"), of: [html`<mi>f</mi><mo stretchy="false">(</mo>`, symbol("preactivation"), html`<mo stretchy="false">)</mo>`] },
  db: { symbol: DB, of: [html`<mtext>mean</mtext><mspace width="0.3em" />`, symbol("delta"), "·", html`<mrow class="live blue"><mn>1</mn></mrow>`] },
});

/** Return the numbers of a neuron. @param {any} state @param {number} k */
export function toldOf(state, k) {
  const all = ofNeuron({ state }, k);
  let flow = 0;
  for (let j = 1; j <= inputs(); j++) flow += all[`w${j}`] * all[`x${j}`];
  return /** @type {Record<string, number>} */ ({ ...all, flow });
}

/** Return every number that can be asked. @param {any} here @param {{column: number, neuron: number}} at */
export function numbersOf({ run }, { column, neuron }) {
  const compared = comparisonOf(run);
  const found = /** @type {Record<string, any>} */ ({
    ahead: { value: compared.ahead, symbol: html`<mtext>n</mtext>`, title: "biases.quantity.ahead", says: ["biases.about.ahead"] },
  });
  KINDS.forEach((kind, i) => {
    const state = run.states[i][column];
    const { low, middle, high } = compared[kind];
    found[`middle.${kind}`] = { value: middle, symbol: symbol("loss"), title: `biases.quantity.middle.${kind}`, says: ["biases.about.middle", { low, high }] };
    found[`loss.${kind}`] = { value: lookedAt(state).loss, symbol: symbol("loss"), title: "biases.quantity.loss", ...lossTold() };
    found[`width.${kind}`] = { value: effectiveWidth(state.network).hidden1, symbol: html`<mtext>≠</mtext>`, title: "biases.quantity.width", says: ["biases.about.width"] };
    const values = toldOf(state, neuron);
    const of = (/** @type {string} */ one) => html`<mrow class="live">${figure(values[one], { isBracketed: true })}</mrow>`;
    const products = productsOf(values);
    const filled = /** @type {Record<string, any[][]>} */ ({ flow: linesOf(values.flow, products), z: linesOf(values.z, [...products, [of("b")]]), a: [["=", rule(state.network.layers[0].activation, "f"), "(", figure(values.z), ")"]] });
    for (const [name, row] of Object.entries(rowsOf())) {
      const lines = [...(row.of.length ? [["=", ...row.of]] : []), ...(filled[name] ?? [])];
      const probe = (/** @type {number} */ moved) => lossOf(replaced(state.network, [0, "bias", neuron], moved));
      found[`${name}.${kind}`] = {
        value: values[name], symbol: row.symbol, title: `biases.quantity.${name}`, says: [`biases.about.${name}`],
        from: lines.length ? lines : undefined,
        check: name === "db" ? { of: symbol("loss"), by: symbol("bias"), at: values.b, probe, claim: values.db } : undefined,
      };
    }
  });
  return found;
}

/** Return the table on screen: the loss of every network. @param {any} here */
export function table({ run, set }) {
  const [zero, random] = lossesOf(run);
  return { head: ["seed", "biases 0", "biases random"], rows: zero.map((loss, i) => [set.seed + i, loss, random[i]]) };
}

/** Return a program that prints the same numbers. @param {any} here */
export function python({ set, step }) {
  const network = drawn(set, `"${RANDOM}"`, "bias_init", "seed").replaceAll("\n", "\n        ");
  return `${head()}
${training({ ...set, optimizer: "adam" })}

losses = {"zero": [], "random": []}
for seed in range(${set.seed}, ${set.seed + SEEDS}):
    for kind, bias_init in (("zero", "zeros"), ("random", "${biasStart(set, "random")}")):
        network = ${network}
        state = optimizer.init(network.parameters)
        for _ in range(${step}):
            network, state = advance(network, state)
        losses[kind].append(look(network).loss.item())
        print(f"seed {seed}  biases {kind:6}  loss {losses[kind][-1]:.4g}")

zero, random = np.array(losses["zero"]), np.array(losses["random"])
print(f"median  biases zero {np.median(zero):.4g}  random {np.median(random):.4g}")
print(f"biases zero ahead in {np.sum(zero < random)} of ${SEEDS} seeds")
`;
}
