/**
 * Formulas in MathML, with live numbers in them. The notes' colours: the input red, the constant 1
 * blue, the slope green; each has a line of its own under it, so that nobody needs the colour.
 */
import { html } from "./vendor/preact.js";
import { calculated, marksOf, printed, relation } from "./calculator.js";
import { number } from "./numbers.js";

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
  half: html`<mn>½</mn>`,
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

/** Return an activation function in a formula, so that its values can be calculated.
 * @param {string} activation @param {string} letter */
export const rule = (activation, letter = "σ") => html`<mi data-rule=${activation}>${letter}</mi>`;

/** Return a formula. Its "=" becomes "≈" where a calculator finds the numbers on both sides to differ.
 * @param {any[]} parts elements, and operators as texts
 * @param {{label?: string, isBlock?: boolean, value?: number}} [how] value: of the symbol that it begins
 *   with, where that is printed elsewhere */
export function formula(parts, { label, isBlock = false, value } = {}) {
  const sign = (/** @type {string} */ text) => (text === "|" ? html`<mo stretchy="false">|</mo>` : html`<mo>${text}</mo>`);
  const row = compared(parts, value).map((part) => (typeof part === "string" ? sign(part) : part));
  return html`<math display=${isBlock ? "block" : "inline"} aria-label=${label}><mrow>${row}</mrow></math>`;
}

const ROOM = 31; // marks of a line that its place is wide enough for
const SMALLEST = 0.6; // letters, of their usual size

/** Return lines of formulas, each as large as it finds room. One that begins with "=" says something of
 * the number itself. @param {any[][]} lines @param {any} symbol of the number @param {number} value */
export function formulas(lines, symbol, value) {
  return lines.map((line) => {
    const isOwn = line[0] === "=";
    const parts = isOwn ? [symbol, ...line] : line;
    const size = Math.max(Math.min(ROOM / marksOf(parts).join("").length, 1), SMALLEST);
    return html`<div style=${{ fontSize: `${size.toFixed(2)}em` }}>${formula(parts, { isBlock: true, value: isOwn ? value : undefined })}</div>`;
  });
}

/** @param {any[]} parts @param {number} [value] */
function compared(parts, value) {
  const signs = parts.flatMap((part, i) => (part === "=" ? [i] : []));
  const found = [...parts];
  let before = value === undefined ? calculated(parts.slice(0, signs[0])) : printed(value);
  signs.forEach((at, i) => {
    const side = calculated(parts.slice(at + 1, signs[i + 1]));
    if (side && before) found[at] = relation(before, side);
    before = side ?? before;
  });
  return found;
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
  const numbers = factors(names, (name) => figure(values[name], { of: name, isBracketed: true }));
  const [shown, sign, ...filled] = compared([figure(values[result], { of: result }), "=", ...numbers]);
  const line = (/** @type {any} */ first, /** @type {string} */ equal, /** @type {any[]} */ product) =>
    html`<mtr><mtd>${first}</mtd>${[equal, ...product].map((part) => html`<mtd>${typeof part === "string" ? html`<mo>${part}</mo>` : part}</mtd>`)}</mtr>`;
  return html`<math display="block" aria-label=${label}><mtable>
    ${line(symbol(result), "=", factors(names, symbol))}
    ${line(shown, sign, filled)}
  </mtable></math>`;
}
