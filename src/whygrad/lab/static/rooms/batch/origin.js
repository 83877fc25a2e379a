/** Where a number comes from: its products, one by one, and what they add up to. */
import { COLOURS, figure, formula, formulas, rule, symbol } from "../../formula.js";
import { asShown, equals, number } from "../../numbers.js";
import { html } from "../../vendor/preact.js";
import { t, told } from "../../words.js";
import { columnsOf, inputs, isTrap, nameOf, NEURONS, placeOf, rateOf, sampleOf, upTo } from "./layer.js";
import { landed, stage } from "./motion.js";

/** @typedef {{left: any, right: any, values: [number, number], of: string, sources: string[]}} Term a product; `of` gives the right one its colour */
/** @typedef {{terms: Term[], divisor: number}} Sum */

const sub = (/** @type {any} */ of, /** @type {string} */ below) => html`<msub>${of}<mn>${below}</mn></msub>`;
const partial = (/** @type {any} */ by) => html`<mfrac><mrow><mo>∂</mo><mi>C</mi></mrow><mrow><mo>∂</mo>${by}</mrow></mfrac>`;
const previous = (/** @type {string} */ at) => html`<mrow class="red"><msub><mi>a</mi><mrow><mtext>prev</mtext><mspace width="0.2em" /><mn>${at}</mn></mrow></msub></mrow>`;
const one = html`<mrow class="blue"><mn>1</mn></mrow>`;
const LETTERS = /** @type {Record<string, string>} */ ({ w: "w", b: "b", z: "z", a: "a", y: "y", d: "δ" });

/** Return how a number is written in a formula. @param {string} name */
export function symbolOf(name) {
  if (name === "rate") return html`<mi>η</mi>`;
  const { sort } = placeOf(name);
  const at = name.slice(sort.length);
  if (sort === "x") return previous(at);
  if (sort === "gb") return partial(sub(html`<mi>b</mi>`, at));
  if (sort === "gw") return partial(sub(html`<mi>w</mi>`, at));
  if (sort === "nb") return html`<mrow>${sub(html`<mi>b</mi>`, at)}<mo>−</mo><mi>η</mi>${partial(sub(html`<mi>b</mi>`, at.slice(-1)))}</mrow>`;
  return sub(html`<mi>${LETTERS[sort]}</mi>`, at);
}

/** Return the sum that a number is, if it is one: a gradient's over samples, or z's over inputs.
 * @param {any} here @param {Record<string, number>} values @param {string} name @returns {Sum | null} */
export function sumOf(here, values, name) {
  const { sort, row, column } = placeOf(name);
  const { set, run } = here;
  const term = (/** @type {string} */ left, /** @type {string} */ right) => ({
    left: symbolOf(left), right: right ? symbolOf(right) : one, of: right.startsWith("x") ? "input" : right ? "" : "constant",
    values: /** @type {[number, number]} */ ([values[left], right ? values[right] : 1]), sources: right ? [left, right] : [left],
  });
  const divisor = set.divide === "mean" ? set.samples : 1;
  if (sort === "gb") return { terms: upTo(columnsOf("d", here)).map((i) => term(`d${row}${i}`, "")), divisor };
  if (sort === "gw") return { terms: upTo(set.samples).map((i) => term(`d${row}${i}`, `x${column}${i}`)), divisor };
  if (sort !== "z") return null;
  const bias = nameOf("b", row, column, run.bias[0].length > 1);
  return { terms: [...upTo(inputs()).map((j) => term(`w${row}${j}`, `x${j}${sampleOf(here, column)}`)), term(bias, "")], divisor: 1 };
}

/** Return the numbers that a number is made of. @param {any} here @param {Record<string, number>} values
 * @param {string} name @returns {string[]} */
export function sourcesOf(here, values, name) {
  const sum = sumOf(here, values, name);
  if (sum) return sum.terms.flatMap((one) => one.sources);
  const { sort, row, column } = placeOf(name);
  const at = `${row}${column}`;
  if (sort === "a") return [`z${at}`];
  if (sort === "d") return [`a${at}`, `y${row}${sampleOf(here, column)}`, `z${at}`];
  const bias = here.run.bias[0].length > 1 ? `b${at}` : `b${row}`;
  return sort === "nb" ? [bias, `gb${isTrap(here.set) ? column : row}`] : [];
}

/** A sum as a table: a product each line, what they add up to, and its mean. Of bias and weight
 * alike: only what δ is multiplied by differs, 1 or an input.
 * @param {{name: string, here: any, values: Record<string, number>}} props */
export function Terms({ name, here, values }) {
  const { terms, divisor } = /** @type {Sum} */ (sumOf(here, values, name));
  const total = terms.reduce((sum, { values: [left, right] }) => sum + left * right, 0);
  const isAdding = stage.value === "add" && name.startsWith("gb");
  const isSplit = divisor !== 1;
  const sign = equals(total, terms.reduce((sum, { values: [left, right] }) => sum + asShown(left * right), 0));
  return html`<table class="terms"><tbody>
    ${terms.map(({ left, right, values: [a, b], of }, i) => html`<tr class=${isAdding && i >= landed.value ? "to-come" : ""}>
      <td class="name">${formula([left, "·", right])}</td>
      <td>${number(a)}</td><td>·</td><td class="live ${COLOURS[of] ?? ""}">${number(b)}</td><td>${equals(a * b, asShown(a) * asShown(b))}</td><td class="product">${number(a * b)}</td></tr>`)}
    <tr class="total"><td class="name">${isSplit ? t("batch.sum") : formula([symbolOf(name)])}</td><td colspan="4">${isSplit ? `Σ ${sign}` : sign}</td><td class="product">${number(total)}</td></tr>
    ${isSplit && html`<tr class="result"><td class="name">${formula([symbolOf(name)])}</td><td colspan="4">÷ ${divisor} ${equals(values[name], asShown(total) / divisor)}</td><td class="product">${number(values[name])}</td></tr>`}
  </tbody></table>`;
}

/** Return where a number comes from: lines of formulas, or a table. @param {any} here @param {Record<string, number>} values @param {string} name */
export function originOf(here, values, name) {
  if (Number.isNaN(values[name])) return null;
  if (sumOf(here, values, name)) return html`<${Terms} name=${name} here=${here} values=${values} />`;
  const { sort, row, column } = placeOf(name);
  const at = `${row}${column}`;
  const put = (/** @type {string} */ of) => figure(values[of], { isBracketed: true });
  if (sort === "a") {
    const sigmoid = (/** @type {any} */ z) => ["=", rule("sigmoid"), "(", z, ")"];
    return [sigmoid(symbolOf(`z${at}`)), sigmoid(figure(values[`z${at}`]))];
  }
  if (sort === "d") {
    const y = `y${row}${sampleOf(here, column)}`;
    const ofZ = html`<mrow class="green"><msup><mi>σ</mi><mo>′</mo></msup><mo>(</mo>${symbolOf(`z${at}`)}<mo>)</mo></mrow>`;
    return [["=", "(", symbolOf(`a${at}`), "−", symbolOf(y), ")", "·", ofZ], ["=", "(", put(`a${at}`), "−", put(y), ")", "·", figure(values[`s${at}`], { of: "slope" })]];
  }
  if (sort !== "nb") return null;
  const [bias, by] = sourcesOf(here, values, name);
  return [["=", put(bias), "−", figure(rateOf(here.set)), "·", put(by)]];
}

/** What NumPy says when b fits no batch; a single sample fits any, but not in the product after it. @param {any} set */
const refusal = ({ samples }) => samples === 1
  ? `ValueError: matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature (n?,k),(k,m?)->(n?,m?) (size 1 is different from ${NEURONS})`
  : `ValueError: operands could not be broadcast together with shapes (${NEURONS},${samples}) (${NEURONS},${NEURONS})`;

/** Where the number comes from that is pointed at. @param {{here: any, values: Record<string, number>, name: string}} props */
export function Origin({ here, values, name }) {
  const from = originOf(here, values, name);
  const { sort } = placeOf(name);
  const products = here.set.layout === "columns" ? { gb: "Δ @ 1", gw: "Delta @ A_prev.T" } : { gb: "1 @ Δᵀ", gw: "input.T @ delta" };
  if (Number.isNaN(values.loss)) return html`<section class="origin" aria-label=${t("number.from")}><pre class="error">${refusal(here.set)}</pre></section>`;
  return html`<section class="origin" aria-label=${t("number.from")}>
    <h2>${formula([symbolOf(name)])} <span>${t(`batch.quantity.${sort}`)}</span></h2>
    ${Array.isArray(from) ? formulas(from, symbolOf(name), values[name]) : from ?? html`<p>${told(`batch.about.${sort}`)}</p>`}
    <p class="aside">${sort === "gb" || sort === "gw" ? told(`batch.hint.${sort}`, { product: products[sort] }) : ""}</p>
  </section>`;
}
