/** At a whole step: the weights of a neuron, one weight's ledger, the samples that pull, and the check. */
import { html, signal, useLayoutEffect } from "../../vendor/preact.js";
import { t, told } from "../../words.js";
import { run } from "./data.js";
import { Chain, Product, shown } from "./formulas.js";
import { again, chainOf, isComplete, ledgerOf, strongest, sum, termsOf } from "./ledger.js";
import { List } from "./list.js";
import { inputName, pickSample, pickWeight, sampleName } from "./place.js";

const MOST = 24; // rows of a list; the others are summed up
const EXACT = 9; // digits of numbers that are compared
const isDoubted = signal(false);

/** The weights that lead into a neuron, largest gradient first, and its bias.
 * @param {{at: import("./place.js").Place}} props */
export function Weights({ at }) {
  const { inputs, neurons, bias } = run().layers[at.layer];
  const { count } = at.whole.weights;
  const found = strongest(at.whole, neurons, at.neuron, MOST).map(({ input, gradient }) => ({ key: String(input), gradient }));
  if (bias !== null && at.whole.bias) found.unshift({ key: "bias", gradient: ledgerOf(at.whole, at.layer, at.neuron, "bias")?.signed ?? NaN });
  const most = Math.max(...found.map((one) => Math.abs(one.gradient)).filter(Number.isFinite), 0);
  const rows = found.map(({ key, gradient }) => ({
    key, cells: [inputName(at.layer, key), bar(gradient, most), shown(gradient)],
  }));
  const choose = (/** @type {any} */ event) => /^\d+$/.test(event.target.value) && Number(event.target.value) < inputs && pickWeight(event.target.value);
  return html`<section class="weights"><h2>${t("recorded.weights")}</h2>
    ${rows.length > 0 && html`<${List} name="weights" label=${t("recorded.weights")} rows=${rows} picked=${at.weight} onPick=${pickWeight} />`}
    ${inputs > found.length && html`<p class="more">${t("recorded.weights.more", { shown: String(Math.min(count, MOST)), inputs: String(inputs) })}
      <label>${t("recorded.weights.input", { last: String(inputs - 1) })} <input type="text" inputmode="numeric" value=${at.weight === "bias" ? "" : at.weight} onChange=${choose} /></label></p>`}
  </section>`;
}

/** A bar to the left where a number is negative, to the right where not. @param {number} value @param {number} most */
function bar(value, most) {
  const share = most > 0 && Number.isFinite(value) ? (Math.abs(value) / most) * 50 : 0;
  return html`<svg class="bar ${value < 0 ? "negative" : "positive"}" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    <path class="middle" d="M50 0V10" /><rect x=${value < 0 ? 50 - share : 50} y="1" width=${share} height="8" /></svg>`;
}

/** Why: the ledger of the weight that is picked, who pulls, one sample's chain, and the check.
 * @param {{at: import("./place.js").Place}} props */
export function Why({ at }) {
  const { whole, layer, neuron, weight } = at;
  useLayoutEffect(() => { isDoubted.value = false; }, [layer, neuron, weight, at.step]);
  const ledger = ledgerOf(whole, layer, neuron, weight);
  const kind = weight === "" ? "neuron" : weight === "bias" ? "bias" : "weight";
  if (!ledger) return html`<p class="left-out">${t("recorded.weight.left_out")}</p>`;
  return html`${weight !== "" && html`<section class="weight-detail"><h2>${t(`recorded.ledger.${kind}`, { input: inputName(layer, weight) })}</h2>
      <${Product} four=${ledger.four} gradient=${ledger.gradient} kind=${kind} />
      ${ledger.before !== null && html`<p>${told("recorded.moved", { before: ledger.before, gradient: ledger.signed, movement: ledger.movement })}</p>`}
    </section>`}
    ${whole.rows && whole.rows.numbers.length > 0 ? html`<${Samples} at=${at} kind=${kind} /><${Doubt} at=${at} recorded=${ledger.recorded} />` : html`<p class="left-out">${t("recorded.no_samples")}</p>`}`;
}

/** @param {{at: import("./place.js").Place, kind: string}} props */
function Samples({ at, kind }) {
  const { whole, neuron, weight } = at;
  const terms = termsOf(whole, neuron, weight);
  const order = [...terms.keys()].sort((one, other) => Math.abs(terms[other]) - Math.abs(terms[one]));
  const [first, rest] = [order.slice(0, MOST), order.slice(MOST)];
  const most = Math.max(...first.map((i) => Math.abs(terms[i])).filter(Number.isFinite), 0);
  const rows = first.map((i) => ({ key: whole.rows.numbers[i], cells: [sampleName(whole.rows, i), bar(terms[i], most), shown(terms[i])] }));
  const picked = at.sample < 0 ? -1 : whole.rows.numbers[at.sample];
  const chain = at.sample < 0 ? null : chainOf(whole, neuron, weight, at.sample);
  return html`<section class="samples"><h2>${t("recorded.samples")}</h2>
    <p class="caption">${t(isComplete(whole) ? `recorded.samples.all.${kind === "neuron" ? "neuron" : "weight"}` : "recorded.samples.some", { shown: String(terms.length), of: String(whole.rows.of) })}</p>
    ${chain && html`<div class="chain" role="status"><p><b>${sampleName(whole.rows, at.sample)}</b></p><${Chain} chain=${chain} kind=${kind} />
      ${kind === "neuron" && html`<p>${t("recorded.chain.along", { term: chain.term })}</p>`}</div>`}
    <${List} name="samples" label=${t("recorded.samples")} rows=${rows} picked=${picked} onPick=${(/** @type {number} */ row) => pickSample(row === picked ? -1 : row)} />
    ${rest.length > 0 && html`<p class="more">${t("recorded.samples.rest", { count: String(rest.length), rest: rest.length, sum: sum(rest.map((i) => terms[i])) })}</p>`}
  </section>`;
}

/** "Don't trust me": the gradient once more, from the samples alone, beside what Python recorded.
 * @param {{at: import("./place.js").Place, recorded: number | null}} props */
function Doubt({ at, recorded }) {
  const { whole, neuron, weight } = at;
  if (!isDoubted.value) return html`<button type="button" class="action doubt-button" onClick=${() => (isDoubted.value = true)}>${t("number.doubt")}</button>`;
  const own = again(whole, neuron, weight);
  const { length } = whole.rows.numbers;
  const apart = recorded === null ? null : Math.abs(own - recorded) / (Math.abs(recorded) || 1);
  return html`<section class="doubt" role="status" data-own=${own} data-recorded=${recorded}>
    <dl><dt>${t("recorded.doubt.own", { samples: length, count: String(length) })}</dt><dd>${shown(own, EXACT)}</dd>
      ${recorded !== null && html`<dt>${t("recorded.doubt.recorded")}</dt><dd>${shown(recorded, EXACT)}</dd>`}</dl>
    <p>${!isComplete(whole) ? t("recorded.doubt.some", { shown: String(length), of: String(whole.rows.of) }) : apart === null ? t("recorded.doubt.alone") : Number.isFinite(apart) ? t("recorded.doubt.apart", { apart }) : t("recorded.doubt.broken")}</p>
  </section>`;
}
