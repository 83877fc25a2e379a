/** Formulas of a ledger, with its numbers: beside one another, or below one another on a phone. */
import { html } from "../../vendor/preact.js";
import { equals, number, readNumber } from "../../numbers.js";
import { isNarrow } from "../../state.js";
import { t } from "../../words.js";
import { ABSENT } from "./data.js";
import { TONES } from "./network.js";

const partial = (/** @type {string} */ over, /** @type {string} */ under) => html`<mfrac><mrow><mo>∂</mo><mi>${over}</mi></mrow><mrow><mo>∂</mo><mi>${under}</mi></mrow></mfrac>`;
const size = (/** @type {any} */ of) => html`<mrow><mo stretchy="true">|</mo>${of}<mo stretchy="true">|</mo></mrow>`;
const input = html`<msub><mi>a</mi><mtext>in</mtext></msub>`;
const slope = html`<msup><mi>σ</mi><mo>′</mo></msup>`;

/** Return a size in words where it is none. @param {number} value @param {number} [digits] */
export const shown = (value, digits) => (value === ABSENT ? t("recorded.absent") : number(value, digits));

/** Parts of a formula: symbol, number, word, colour. @typedef {[any, string, string, string]} Part */

/** Return parts with signs between them, as a formula of three lines: symbols, numbers, words. It is
 * read aloud by words and numbers alone. @param {Part[]} parts @param {Part} result */
function laid(parts, result) {
  const equal = equals(readNumber(result[1]), parts.reduce((all, [, text]) => all * readNumber(text), 1));
  const label = `${parts.map(([, text, word]) => `${word} ${text}`).join(" · ")} ${equal} ${result[1]}`;
  const signs = ["", ...parts.slice(1).map(() => "·"), equal];
  const all = [...parts, result];
  const cell = (/** @type {any} */ inner, /** @type {string} */ tone) => html`<mtd class="tone ${tone}">${inner}</mtd>`;
  const sign = (/** @type {number} */ i) => html`<mtd>${signs[i] && html`<mo>${signs[i]}</mo>`}</mtd>`;
  const word = (/** @type {string} */ text) => html`<mtext class="word">${text}</mtext>`;
  const value = (/** @type {string} */ text) => html`<mn>${text}</mn>`;
  const isUpright = isNarrow.value;
  const rows = isUpright
    ? all.map(([symbol, text, name, tone], i) => html`<mtr class=${i === parts.length ? "result" : ""}>${sign(i)}${cell(symbol, tone)}${cell(value(text), tone)}${cell(word(name), "")}</mtr>`)
    : [0, 1, 2].map((line) => html`<mtr>${all.map((part, i) => html`${line < 2 || signs[i] === "" ? sign(line < 2 ? i : 0) : html`<mtd></mtd>`}${cell([part[0], value(part[1]), word(part[2])][line], line < 2 ? part[3] : "")}`)}</mtr>`);
  return html`<div class="formula-box"><math display="block" aria-label=${label} class=${isUpright ? "upright" : "across"}><mtable>${rows}</mtable></math></div>`;
}

/** The four factors and their product. @param {{four: number[], gradient: number, kind: string}} props
 *   `kind`: weight, bias, neuron or layer */
export function Product({ four, gradient, kind }) {
  const of = { weight: size(partial("C", "w")), bias: size(partial("C", "b")) }[kind] ?? size(partial("C", "w"));
  const symbols = [size(partial("C", "a")), slope, kind === "bias" ? html`<mn>1</mn>` : size(input), html`<mi>${t("recorded.symbol.agreement")}</mi>`];
  const names = ["upstream", "slope", kind === "bias" ? "constant" : "input", "agreement"];
  const parts = four.map((value, f) => /** @type {Part} */ ([symbols[f], shown(value), t(`recorded.factor.${names[f]}`), kind === "bias" && f === 2 ? "blue" : TONES[f]]));
  return laid(parts, [of, shown(gradient), t(isNarrow.value ? "recorded.order.gradient" : "recorded.gradient_size"), ""]);
}

/** The chain of one sample. @param {{chain: any, kind: string}} props */
export function Chain({ chain, kind }) {
  const last = kind === "bias" ? html`<mn>1</mn>` : kind === "weight" ? input : size(input);
  const share = /** @type {Part} */ ([html`<mi>s</mi>`, shown(chain.share), t("recorded.chain.share"), ""]);
  const error = /** @type {Part[]} */ (
    chain.isProduct
      ? [[partial("C", "a"), shown(chain.upstream), t("recorded.factor.upstream"), TONES[0]], [slope, shown(chain.slope), t("recorded.factor.slope"), TONES[1]]]
      : [[html`<mi>δ</mi>`, shown(chain.delta), t("recorded.chain.delta"), TONES[0]]]
  );
  const reach = /** @type {Part} */ ([last, shown(chain.input), t(`recorded.factor.${kind === "bias" ? "constant" : "input"}`), kind === "bias" ? "blue" : TONES[2]]);
  const term = chain.share * chain.delta * chain.input;
  const parts = [share, ...error, reach];
  return laid(parts, [html`<mtext>${t("recorded.chain.term")}</mtext>`, shown(term), "", ""]);
}
