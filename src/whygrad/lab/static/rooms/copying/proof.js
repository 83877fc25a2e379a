/** Two neurons side by side, in the order in which one equality follows from another. */
import { html } from "../../vendor/preact.js";
import { formula, symbol } from "../../formula.js";
import { asks } from "../../number.js";
import { number } from "../../numbers.js";
import { t } from "../../words.js";
import { arrows, cell } from "./grid.js";
import { lookedAt } from "./training.js";

/** @param {string} colour @param {any} inner */
const coloured = (colour, inner) => html`<mrow class="live ${colour}">${inner}</mrow>`;
const under = (/** @type {string} */ of, /** @type {string} */ sub) => html`<msub><mi>${of}</mi><mtext>${sub}</mtext></msub>`;
const partial = (/** @type {any} */ by) => html`<mfrac><mrow><mo>∂</mo><mi>C</mi></mrow><mrow><mo>∂</mo>${by}</mrow></mfrac>`;
const W1 = html`<msub><mi>w</mi><mn>1</mn></msub>`;
const W2 = html`<msub><mi>w</mi><mn>2</mn></msub>`;
const X1 = html`<msub><mi>x</mi><mn>1</mn></msub>`;
const X2 = html`<msub><mi>x</mi><mn>2</mn></msub>`;
const SLOPE = coloured("green", html`<msup><mi>f</mi><mo>′</mo></msup><mo stretchy="false">(</mo><mi>z</mi><mo stretchy="false">)</mo>`);
const MEAN = html`<mtext>mean</mtext><mspace width="0.3em" />`;

/** What a neuron has, in the order of the proof: its symbol, and what it is made of.
 * @type {Record<string, {symbol: any, of: any[], group: string}>} */
export const ROWS = {
  w1: { symbol: W1, of: [], group: "in" },
  w2: { symbol: W2, of: [], group: "in" },
  b: { symbol: symbol("b"), of: [], group: "in" },
  a: { symbol: symbol("output"), of: [html`<mi>f</mi><mo stretchy="false">(</mo>`, symbol("preactivation"), html`<mo stretchy="false">)</mo>`], group: "forward" },
  v: { symbol: symbol("v"), of: [], group: "out" },
  delta: { symbol: symbol("delta"), of: [symbol("v"), "·", under("δ", "out"), "·", SLOPE], group: "back" },
  dw1: { symbol: partial(W1), of: [MEAN, symbol("delta"), "·", coloured("red", X1)], group: "step" },
  dw2: { symbol: partial(W2), of: [MEAN, symbol("delta"), "·", coloured("red", X2)], group: "step" },
  db: { symbol: partial(html`<mi>b</mi>`), of: [MEAN, symbol("delta"), "·", coloured("blue", html`<mn>1</mn>`)], group: "step" },
  dv: { symbol: partial(html`<mi>v</mi>`), of: [MEAN, under("δ", "out"), "·", coloured("red", symbol("output"))], group: "step" },
};

/** Return all numbers of a neuron; those of a sample are of the first. @param {any} run @param {number} k */
export function ofNeuron({ state }, k) {
  const { network } = state;
  const [hidden, output] = network.layers;
  const { anatomy, gradients } = lookedAt(state);
  const [here, end] = anatomy.layers;
  const [into, out] = gradients;
  const n = hidden.weight.columns;
  return /** @type {Record<string, number>} */ ({
    w1: hidden.weight.data[k], w2: hidden.weight.data[n + k], b: hidden.bias.data[k], v: output.weight.data[k],
    x1: here.input.data[0], x2: here.input.data[1],
    z: here.preactivation.data[k], a: here.output.data[k], slope: here.slope.data[k], delta: here.delta.data[k],
    deltaOut: end.delta.data[0],
    dw1: into.weight.data[k], dw2: into.weight.data[n + k], db: into.bias.data[k], dv: out.weight.data[k],
  });
}

/** @param {{run: any, pair: number[]}} props */
export function Proof({ run, pair }) {
  const both = pair.map((k) => ofNeuron(run, k));
  const names = Object.keys(ROWS);
  let before = "";
  return html`<table class="proof" onKeyDown=${(/** @type {any} */ event) => arrows(event, 2)}>
    <caption>${t("copying.proof")}</caption>
    <thead><tr><td></td><th scope="col">${t("copying.neuron", { k: String(pair[0] + 1) })}</th><td></td><th scope="col">${t("copying.neuron", { k: String(pair[1] + 1) })}</th></tr></thead>
    <tbody>${names.map((name, row) => {
      const { symbol: own, of, group } = ROWS[name];
      const isFirst = group !== before;
      before = group;
      const isSame = both[0][name] === both[1][name];
      const isClose = !isSame && number(both[0][name]) === number(both[1][name]); // as far as can be read
      const shown = (/** @type {number} */ i) => {
        const text = number(both[i][name]);
        const label = t("copying.number", { name: t(`copying.quantity.${name}`), k: String(pair[i] + 1), value: text });
        return html`<td><span ...${asks(`${name}.${pair[i] + 1}`, label)} ...${cell(2 * row + i)}>${text}</span></td>`;
      };
      return html`<tr class="${isFirst ? "first" : ""} ${isSame ? "" : "apart"}">
        <th scope="row"><span class="unseen">${t(`copying.quantity.${name}`)}</span>${formula(of.length ? [own, html`<mrow class="from"><mo>=</mo>${of.map((part) => (typeof part === "string" ? html`<mo>${part}</mo>` : part))}</mrow>`] : [own])}</th>
        ${shown(0)}<td class="sign" aria-label=${t(isSame ? "copying.same" : "copying.differs")}>${isSame ? "=" : "≠"}${isClose && html`<small>${number(Math.abs(both[0][name] - both[1][name]), 1)}</small>`}</td>${shown(1)}
      </tr>`;
    })}</tbody>
  </table>`;
}
