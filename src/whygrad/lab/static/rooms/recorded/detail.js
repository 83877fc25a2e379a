/** What is picked: a layer and its neurons, a neuron and its factors over the run. */
import { html, useState } from "../../vendor/preact.js";
import { isNarrow } from "../../state.js";
import { t, told } from "../../words.js";
import { ABSENT, factorsAt, FACTORS, fourOf, groupsAt, groupSize, nearestSingle, product, run, seriesOf } from "./data.js";
import { Product, shown } from "./formulas.js";
import { List } from "./list.js";
import { TONES } from "./network.js";
import { goTo, inputName, pickGroup, pickLayer, pickNeuron, pickNothing, pickWeight, sampleName, pickSample } from "./place.js";
import { Weights, Why } from "./weights.js";

/** The way here; each part leads back. @param {{at: import("./place.js").Place}} props */
export function Way({ at }) {
  const parts = [[t("recorded.network"), pickNothing]];
  if (at.layer >= 0) parts.push([run().layers[at.layer].name, () => pickLayer(at.layer)]);
  if (at.group >= 0) parts.push([groupName(at.layer, at.group), () => pickGroup(at.group)]);
  if (at.neuron >= 0) parts.push([t("recorded.neuron", { neuron: String(at.neuron) }), () => pickNeuron(at.neuron)]);
  if (at.weight !== "") parts.push([inputName(at.layer, at.weight), () => pickWeight(at.weight)]);
  if (at.sample >= 0) parts.push([sampleName(at.whole.rows, at.sample), () => pickSample(at.whole.rows.numbers[at.sample])]);
  return html`<nav class="way" aria-label=${t("recorded.way")}>
    ${parts.map(([name, onClick], i) => html`<button type="button" class="quiet" aria-current=${i === parts.length - 1 ? "location" : undefined} onClick=${onClick}>${i > 0 && html`<i aria-hidden="true">›</i> `}${name}</button>`)}
  </nav>`;
}

/** Return the first and the last neuron of a group. @param {number} layer @param {number} group */
function rangeOf(layer, group) {
  const by = groupSize(layer);
  return [group * by, Math.min((group + 1) * by, run().layers[layer].neurons) - 1];
}

/** @param {number} layer @param {number} group */
function groupName(layer, group) {
  const [first, last] = rangeOf(layer, group).map(String);
  return t("recorded.neurons", { first, last });
}

/** What stands where single neurons were left out at this step. @param {{at: import("./place.js").Place}} props */
function LeftOut({ at }) {
  const near = nearestSingle(at.layer, at.stop);
  return html`<p class="left-out">${t("recorded.left_out")}
    ${near >= 0 && html` <button type="button" class="answer" onClick=${() => goTo(near)}>${t("recorded.go_to", { step: String(run().steps[near]) })}</button>`}</p>`;
}

const ORDERS = ["index", "gradient", ...FACTORS];

/** A layer: its neurons, or first its groups. @param {{at: import("./place.js").Place}} props */
export function Layer({ at }) {
  const [order, setOrder] = useState("index");
  const { layer, stop } = at;
  const by = groupSize(layer);
  const isOfGroups = by > 1 && at.group < 0;
  const all = isOfGroups ? groupsAt(layer, stop) : factorsAt(layer, stop);
  if (!all) return html`<${LeftOut} at=${at} />`;
  const first = isOfGroups || at.group < 0 ? 0 : at.group * by;
  const count = isOfGroups ? all.length / FACTORS.length : Math.min(by > 1 ? by : Infinity, run().layers[layer].neurons - first);
  const found = Array.from({ length: count }, (_, i) => ({ key: first + i, four: fourOf(all, first + i) }));
  const measure = (/** @type {any} */ one) => (order === "index" ? one.key : order === "gradient" ? product(one.four) : one.four[FACTORS.indexOf(order)]);
  found.sort((one, other) => measure(one) - measure(other) || one.key - other.key);
  const names = [...FACTORS.map((factor) => t(`recorded.factor.${factor}`)), t("recorded.gradient_size")];
  const rows = found.map(({ key, four }) => {
    const cells = [...four, product(four)].map((value, i) => html`<i class="unseen">${names[i]} </i>${shown(value, 3)}`);
    return { key, cells: [isOfGroups ? rangeOf(layer, key).join("–") : key, ...cells] };
  });
  const head = [isOfGroups ? t("recorded.group") : t("recorded.neuron.short"), ...FACTORS.map((factor, f) => html`<b class="tone ${TONES[f]}">${t(`recorded.factor.${factor}`)}</b>`), "|∂C/∂w|"];
  return html`<section class="layer">
    <label class="choice">${t("recorded.order")} <select value=${order} onChange=${(/** @type {any} */ event) => setOrder(event.target.value)}>
      ${ORDERS.map((one) => html`<option value=${one}>${t(FACTORS.includes(one) ? `recorded.factor.${one}` : `recorded.order.${one}`)}</option>`)}</select></label>
    ${isOfGroups && html`<p class="caption">${t("recorded.groups", { by: String(by) })}</p>`}
    <${List} name="neurons" label=${t(isOfGroups ? "recorded.pick.group" : "recorded.pick.neuron")} head=${head} rows=${rows} picked=${at.neuron} onPick=${isOfGroups ? pickGroup : pickNeuron} />
  </section>`;
}

const [HEIGHT, EDGE] = [64, 6];

/** A factor over the run, on a scale of logarithms. @param {any} props */
function Curve({ f, stops, values, at }) {
  const width = isNarrow.value ? 350 : 300;
  const logs = values.map((/** @type {number} */ one) => (one > 0 && Number.isFinite(one) ? Math.log2(one) : NaN));
  const known = logs.filter((/** @type {number} */ one) => !Number.isNaN(one));
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const last = run().steps.length - 1 || 1;
  const x = (/** @type {number} */ stop) => EDGE + (stop / last) * (width - 2 * EDGE);
  const y = (/** @type {number} */ log) => (high > low ? EDGE + (1 - (log - low) / (high - low)) * (HEIGHT - 2 * EDGE) : HEIGHT / 2);
  let isDown = false;
  const path = logs.map((/** @type {number} */ log, /** @type {number} */ i) => {
    const part = Number.isNaN(log) ? "" : `${isDown ? "L" : "M"}${x(stops[i]).toFixed(1)} ${y(log).toFixed(1)}`;
    isDown = part !== "";
    return part;
  }).join("");
  const here = stops.indexOf(at.stop);
  const name = t(`recorded.factor.${FACTORS[f]}`);
  const range = known.length ? t("recorded.curve.range", { low: 2 ** low, high: 2 ** high }) : t("recorded.curve.flat");
  return html`<figure class="curve tone ${TONES[f]}"><figcaption><b>${name}</b> <span>${range}</span></figcaption>
    <svg viewBox="0 0 ${width} ${HEIGHT}" role="img" aria-label=${`${name}: ${range}`}>
      <path d=${path} /><path class="here" d=${`M${x(at.stop)} 0V${HEIGHT}`} />
      ${values.map((/** @type {number} */ one, /** @type {number} */ i) => one === 0 ? html`<path class="zero" d=${`M${x(stops[i]) - 1.5} ${HEIGHT - 2}h3`} />` : Number.isFinite(one) ? null : html`<text x=${x(stops[i])} y="11" text-anchor="middle">✕</text>`)}
      ${here >= 0 && !Number.isNaN(logs[here]) && html`<circle cx=${x(at.stop)} cy=${y(logs[here])} r="4.5" />`}
    </svg></figure>`;
}

/** @param {{at: import("./place.js").Place}} props */
function Curves({ at }) {
  if (!run().layers[at.layer].single.stops.length) return null;
  const { stops, values } = seriesOf(at.layer, at.neuron);
  return html`<section class="curves" aria-label=${t("recorded.curves")}>
    <h2>${t("recorded.curves")}</h2>
    <div>${FACTORS.map((_, f) => html`<${Curve} key=${f} f=${f} stops=${stops} values=${values[f]} at=${at} />`)}</div>
  </section>`;
}

/** A neuron: its formula at this step, its factors over the run, and its weights where they are kept.
 * @param {{at: import("./place.js").Place}} props */
export function Neuron({ at }) {
  const all = factorsAt(at.layer, at.stop);
  if (!all) return html`<${LeftOut} at=${at} /><${Curves} at=${at} />`;
  const four = fourOf(all, at.neuron);
  if (at.weight !== "" && at.whole) return html`<${Why} at=${at} /><${Weights} at=${at} />`;
  if (four[0] === ABSENT) return html`<p class="left-out">${t("recorded.not_recorded")}</p><${Curves} at=${at} />`;
  return html`<section class="neuron-detail">
    <${Product} four=${four} gradient=${product(four)} kind="neuron" />
    <${Curves} at=${at} />
    ${at.whole ? html`<${Weights} at=${at} /><${Why} at=${at} />` : html`<${OnlyFactors} at=${at} />`}
  </section>`;
}

/** What stands at a step of which only the factors are here. @param {{at: import("./place.js").Place}} props */
export function OnlyFactors({ at }) {
  const steps = run().whole.filter((/** @type {any} */ one) => one.layers[at.layer]).map((/** @type {any} */ one) => one.step);
  if (!steps.length) return html`<p class="left-out">${t("recorded.never_whole")}</p>`;
  const near = steps.reduce((/** @type {number} */ best, /** @type {number} */ one) => (Math.abs(one - at.step) < Math.abs(best - at.step) ? one : best));
  return html`<p class="left-out">${told("recorded.only_factors")} <button type="button" class="answer" onClick=${() => goTo(run().steps.indexOf(near))}>${t("recorded.go_to", { step: String(near) })}</button></p>`;
}
