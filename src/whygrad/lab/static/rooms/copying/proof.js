/** Two neurons side by side, in the order in which one equality follows from another. */
import { html } from "../../vendor/preact.js";
import { formula, symbol } from "../../formula.js";
import { asks } from "../../number.js";
import { number } from "../../numbers.js";
import { t } from "../../words.js";
import { arrows, cell } from "./grid.js";
import { inputs, lookedAt } from "./training.js";

/** @param {string} colour @param {any} inner */
const coloured = (colour, inner) => html`<mrow class="live ${colour}">${inner}</mrow>`;
const under = (/** @type {string} */ of, /** @type {string} */ sub) => html`<msub><mi>${of}</mi><mtext>${sub}</mtext></msub>`;
const partial = (/** @type {any} */ by) => html`<mfrac><mrow><mo>∂</mo><mi>C</mi></mrow><mrow><mo>∂</mo>${by}</mrow></mfrac>`;
export const weightOf = (/** @type {string | number} */ j) => html`<msub><mi>w</mi><mn>${j}</mn></msub>`;
export const inputOf = (/** @type {string | number} */ j) => coloured("red", html`<msub><mi>x</mi><mn>${j}</mn></msub>`);
const SLOPE = coloured("green", html`<msup><mi>f</mi><mo>′</mo></msup><mo stretchy="false">(</mo><mi>z</mi><mo stretchy="false">)</mo>`);
const MEAN = html`<mtext>mean</mtext><mspace width="0.3em" />`;

/** @typedef {{symbol: any, of: any[], group: string}} Row a number of a neuron: its symbol, and what it is made of */

/** Return what a neuron has, in the order of the proof, by name. @param {number} count of inputs @returns {Record<string, Row>} */
export function rowsOf(count) {
  const each = (/** @type {(j: number) => [string, Row]} */ row) => Object.fromEntries(Array.from({ length: count }, (_, i) => row(i + 1)));
  return {
    ...each((j) => [`w${j}`, { symbol: weightOf(j), of: [], group: "in" }]),
    b: { symbol: symbol("b"), of: [], group: "in" },
    a: { symbol: symbol("output"), of: [html`<mi>f</mi><mo stretchy="false">(</mo>`, symbol("preactivation"), html`<mo stretchy="false">)</mo>`], group: "forward" },
    v: { symbol: symbol("v"), of: [], group: "out" },
    delta: { symbol: symbol("delta"), of: [symbol("v"), "·", under("δ", "out"), "·", SLOPE], group: "back" },
    ...each((j) => [`dw${j}`, { symbol: partial(weightOf(j)), of: [MEAN, symbol("delta"), "·", inputOf(j)], group: "step" }]),
    db: { symbol: partial(html`<mi>b</mi>`), of: [MEAN, symbol("delta"), "·", coloured("blue", html`<mn>1</mn>`)], group: "step" },
    dv: { symbol: partial(html`<mi>v</mi>`), of: [MEAN, under("δ", "out"), "·", coloured("red", symbol("output"))], group: "step" },
  };
}

/** Return the key that tells of a number, and its values: of weights there are as many as inputs.
 * @param {"quantity" | "about"} what @param {string} name @returns {[string, any]} */
export function wordsOf(what, name) {
  const [, kind, j] = /^(d?w)(\d)$/.exec(name) ?? ["", name, "0"];
  return [`copying.${what}.${kind}`, { j: SUBSCRIPTS[Number(j)] }];
}

const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

/** Return all numbers of a neuron; those of a sample are of the first. @param {any} run @param {number} k */
export function ofNeuron({ state }, k) {
  const { network } = state;
  const [hidden, output] = network.layers;
  const { anatomy, gradients } = lookedAt(state);
  const [here, end] = anatomy.layers;
  const [into, out] = gradients;
  const { rows, columns: n } = hidden.weight;
  const found = /** @type {Record<string, number>} */ ({
    b: hidden.bias.data[k], v: output.weight.data[k],
    z: here.preactivation.data[k], a: here.output.data[k], slope: here.slope.data[k], delta: here.delta.data[k],
    deltaOut: end.delta.data[0],
    db: into.bias.data[k], dv: out.weight.data[k],
  });
  for (let j = 0; j < rows; j++)
    Object.assign(found, { [`w${j + 1}`]: hidden.weight.data[j * n + k], [`x${j + 1}`]: here.input.data[j], [`dw${j + 1}`]: into.weight.data[j * n + k] });
  return found;
}

/** @param {{run: any, pair: number[]}} props */
export function Proof({ run, pair }) {
  const both = pair.map((k) => ofNeuron(run, k));
  const rows = rowsOf(inputs());
  let before = "";
  return html`<table class="proof" onKeyDown=${(/** @type {any} */ event) => arrows(event, 2)}>
    <caption>${t("copying.proof")}</caption>
    <thead><tr><td></td><th scope="col">${t("copying.neuron", { k: String(pair[0] + 1) })}</th><td></td><th scope="col">${t("copying.neuron", { k: String(pair[1] + 1) })}</th></tr></thead>
    <tbody>${Object.entries(rows).map(([name, { symbol: own, of, group }], row) => {
      const isFirst = group !== before;
      before = group;
      const isSame = both[0][name] === both[1][name];
      const isClose = !isSame && number(both[0][name]) === number(both[1][name]); // as far as can be read
      const shown = (/** @type {number} */ i) => {
        const text = number(both[i][name]);
        const label = t("copying.number", { name: t(...wordsOf("quantity", name)), k: String(pair[i] + 1), value: text });
        return html`<td><span ...${asks(`${name}.${pair[i] + 1}`, label)} ...${cell(2 * row + i)}>${text}</span></td>`;
      };
      return html`<tr class="${isFirst ? "first" : ""} ${isSame ? "" : "apart"}">
        <th scope="row"><span class="unseen">${t(...wordsOf("quantity", name))}</span>${formula(of.length ? [own, html`<mrow class="from"><mo>=</mo>${of.map((part) => (typeof part === "string" ? html`<mo>${part}</mo>` : part))}</mrow>`] : [own])}</th>
        ${shown(0)}<td class="sign" aria-label=${t(isSame ? "copying.same" : "copying.differs")}>${isSame ? "=" : "≠"}${isClose && html`<small>${number(Math.abs(both[0][name] - both[1][name]), 1)}</small>`}</td>${shown(1)}
      </tr>`;
    })}</tbody>
  </table>`;
}
