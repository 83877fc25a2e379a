/**
 * Formulas in MathML, with live numbers in them. The notes' colours: the input red, the constant 1
 * blue, the slope green; each has a line of its own under it, so that nobody needs the colour.
 */
import { html } from "./vendor/preact.js";
import { asShown, equals, number } from "./numbers.js";

/** @param {string} over @param {string} under */
const partial = (over, under) => html`<mfrac><mrow><mo>∂</mo><mi>${over}</mi></mrow><mrow><mo>∂</mo><mi>${under}</mi></mrow></mfrac>`;

/** @type {Record<string, any>} what every quantity is called in a formula */
const SYMBOLS = {
  input: html`<msub><mi>a</mi><mtext>in</mtext></msub>`,
  constant: html`<mn>1</mn>`,
  weight: html`<mi>w</mi>`,
  bias: html`<mi>b</mi>`,
  preactivation: html`<mi>z</mi>`,
  output: html`<mi>a</mi>`,
  target: html`<mi>y</mi>`,
  loss: html`<mi>C</mi>`,
  upstream: partial("C", "a"),
  slope: html`<mrow><msup><mi>σ</mi><mo>′</mo></msup><mo>(</mo><mi>z</mi><mo>)</mo></mrow>`,
  slopeLink: partial("a", "z"),
  delta: html`<mi>δ</mi>`,
  weightLink: partial("z", "w"),
  biasLink: partial("z", "b"),
  weightGradient: partial("C", "w"),
  biasGradient: partial("C", "b"),
};

/** @type {Record<string, string>} the colours of the notes, by quantity */
export const COLOURS = {
  input: "red", weightLink: "red", constant: "blue", biasLink: "blue", slope: "green", slopeLink: "green",
};

/** Return the symbol of a quantity; another text stands for itself. @param {string} name */
export function symbol(name) {
  return html`<mrow class=${COLOURS[name] ?? ""}>${SYMBOLS[name] ?? html`<mi>${name}</mi>`}</mrow>`;
}

/** Return a number as it stands in a formula, in brackets after a sign where it is negative.
 * @param {number} value @param {{of?: string, isBracketed?: boolean, digits?: number}} [how] */
export function figure(value, { of = "", isBracketed = false, digits = 4 } = {}) {
  const shown = html`<mn>${number(value, digits)}</mn>`;
  const inner = isBracketed && value < 0 ? html`<mo stretchy="false">(</mo>${shown}<mo stretchy="false">)</mo>` : shown;
  return html`<mrow class="live ${COLOURS[of] ?? ""}" data-of=${of}>${inner}</mrow>`;
}

/** Return a formula. @param {any[]} parts elements, and operators as texts
 * @param {{label?: string, isBlock?: boolean}} [how] */
export function formula(parts, { label, isBlock = false } = {}) {
  const row = parts.map((part) => (typeof part === "string" ? html`<mo>${part}</mo>` : part));
  return html`<math display=${isBlock ? "block" : "inline"} aria-label=${label}><mrow>${row}</mrow></math>`;
}

/** Return factors with a sign between them: symbols, or their numbers.
 * @param {string[]} names @param {(name: string) => any} shown @param {string} sign */
export function factors(names, shown, sign = "·") {
  return names.flatMap((name, i) => (i === 0 ? [shown(name)] : [sign, shown(name)]));
}

/** Return a formula in two lines: in symbols, and with its numbers below, each under its symbol.
 * @param {string} result @param {string[]} names @param {Record<string, number>} values
 * @param {string} [label] */
export function twoLines(result, names, values, label) {
  const product = names.reduce((total, name) => total * asShown(values[name]), 1);
  const line = (/** @type {any} */ first, /** @type {string} */ sign, /** @type {(name: string) => any} */ shown) =>
    html`<mtr><mtd>${first}</mtd>${names.map((name, i) => html`<mtd><mo>${i === 0 ? sign : "·"}</mo></mtd><mtd>${shown(name)}</mtd>`)}</mtr>`;
  return html`<math display="block" aria-label=${label}><mtable>
    ${line(symbol(result), "=", symbol)}
    ${line(figure(values[result], { of: result }), equals(values[result], product), (name) => figure(values[name], { of: name, isBracketed: true }))}
  </mtable></math>`;
}
