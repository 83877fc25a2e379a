/**
 * The room of a run: scrub through what was recorded, and ask any layer, neuron, weight or sample.
 *
 * Its address: `#room=recorded&at=STEP&layer=NAME&neuron=K&weight=J&sample=ROW`, each part only as far
 * as it is needed; `weight=bias` is the bias, and `group` a group of neurons of a large layer. Without a
 * layer the page opens with the neuron that stands out most; `layer=` is the network alone.
 */
import { html } from "../vendor/preact.js";
import { t } from "../words.js";
import { ABSENT, array, factorsAt, FACTORS, fourOf, groupsAt, groupSize, median, product, run } from "./recorded/data.js";
import { Layer, Neuron, Way } from "./recorded/detail.js";
import { shown } from "./recorded/formulas.js";
import { addressOf, ledgerOf, termsOf } from "./recorded/ledger.js";
import { Network } from "./recorded/network.js";
import { goTo, lastWhole, mostTelling, pickLayer, placeIn, sampleName, TELLING } from "./recorded/place.js";
import { Timeline } from "./recorded/timeline.js";

const FEW = 0.5; // of the median of a layer: what is below it stands out

/** Return the controls: the page opens at the last whole step. */
function controls() {
  const place = { start: -1, least: -1, isWhole: true };
  return {
    at: { start: lastWhole(), least: 0, isWhole: true },
    layer: { start: TELLING },
    group: place, neuron: place, weight: { start: "" }, sample: place,
  };
}

/** Return the one sentence that is true of what is on screen: a key, and its values. @param {any} here
 * @returns {[string, any]} */
function sentence({ set }) {
  const at = placeIn(set);
  const values = { step: String(at.step), run: run().name };
  if (at.layer < 0) return ["recorded.says.run", { ...values, shown: String(run().steps.length), recorded: String(run().recorded) }];
  const { name } = run().layers[at.layer];
  const all = factorsAt(at.layer, at.stop);
  if (at.neuron < 0 && groupSize(at.layer) > 1 && at.group < 0 && groupsAt(at.layer, at.stop)) return ["recorded.says.groups", { ...values, layer: name }];
  if (!all) return ["recorded.left_out", values];
  if (at.neuron < 0) return ["recorded.says.layer", { ...values, layer: name }];
  if (at.weight !== "" && at.whole) return sentenceOfWeight(at, values);
  const four = fourOf(all, at.neuron);
  const zero = four.indexOf(0);
  if (four[0] === ABSENT) return ["recorded.not_recorded", values];
  const neuron = { ...values, neuron: addressOf(at.layer, at.neuron, ""), gradient: shown(product(four)) };
  if (zero >= 0) return ["recorded.says.zero", { ...neuron, factor: t(`recorded.factor.${FACTORS[zero]}`) }];
  const count = all.length / FACTORS.length;
  const ratios = four.map((one, f) => one / median(all.slice(f * count, (f + 1) * count)));
  const least = ratios.indexOf(Math.min(...ratios));
  if (ratios[least] < FEW) return ["recorded.says.small", { ...neuron, factor: t(`recorded.factor.${FACTORS[least]}`), ratio: ratios[least] }];
  return ["recorded.says.neuron", neuron];
}

/** @param {import("./recorded/place.js").Place} at @param {any} values @returns {[string, any]} */
function sentenceOfWeight({ whole, layer, neuron, weight }, values) {
  if (!ledgerOf(whole, layer, neuron, weight)) return ["recorded.weight.left_out", values];
  const told = { ...values, address: addressOf(layer, neuron, weight) };
  return [whole.rows?.numbers.length > 0 ? "recorded.says.weight" : "recorded.says.weight.alone", told];
}

/** What the page holds of the run, and what it left out. */
function Kept() {
  const { steps, recorded, loss, error, whole, leftOut, layers } = run();
  const thinned = steps.length < recorded;
  const isGrouped = layers.some((/** @type {any} */ one) => one.grouped);
  const parts = whole.flatMap((/** @type {any} */ one) => one.layers.filter((/** @type {any} */ of) => of?.rows));
  const some = parts.filter((/** @type {any} */ one) => one.rows.numbers.length < one.rows.of).length;
  const weights = whole.flatMap((/** @type {any} */ one) => one.layers.filter((/** @type {any} */ of) => of?.weights.places)).length;
  return html`<details class="kept"><summary>${t("recorded.kept")}</summary><ul>
    <li>${t(thinned ? "recorded.kept.thinned" : "recorded.kept.all", { shown: String(steps.length), recorded: String(recorded), points: String(array(loss, "steps", "u4").length) })}</li>
    <li>${t("recorded.kept.error", { error: error * 100 })}</li>
    ${isGrouped && html`<li>${t("recorded.kept.grouped")}</li>`}
    <li>${t("recorded.kept.whole", { whole: String(whole.length), steps: whole.length })}</li>
    ${some > 0 && html`<li>${t("recorded.kept.samples")}</li>`}
    ${weights > 0 && html`<li>${t("recorded.kept.weights")}</li>`}
    ${leftOut.length > 0 && html`<li>${t("recorded.kept.failed", { steps: leftOut.join(", ") })}</li>`}
  </ul></details>`;
}

/** @param {any} here */
function View({ set }) {
  const at = placeIn(set);
  return html`<div class="recorded">
    <${Timeline} stop=${at.stop} onGo=${goTo} />
    <div class="halves">
      <${Network} stop=${at.stop} layer=${at.layer} neuron=${at.neuron} onPick=${pickLayer} />
      <section class="detail" aria-label=${t("recorded.detail")}>
        <${Way} at=${at} />
        ${at.layer < 0 ? html`<p class="caption">${t("recorded.pick.layer")}</p>` : at.neuron < 0 ? html`<${Layer} at=${at} />` : html`<${Neuron} at=${at} />`}
      </section>
    </div>
    <${Kept} />
  </div>`;
}

/** Return the numbers on screen as a table. @param {any} here */
function table({ set }) {
  const at = placeIn(set);
  const factors = FACTORS.map((one) => t(`recorded.factor.${one}`));
  if (at.layer >= 0 && at.neuron >= 0 && at.whole?.rows) {
    const terms = termsOf(at.whole, at.neuron, at.weight);
    return { head: [t("recorded.sample.head"), t("recorded.chain.term")], rows: [...terms].map((term, i) => [sampleName(at.whole.rows, i), term]) };
  }
  const layers = at.layer < 0 ? run().layers.map((/** @type {any} */ _, /** @type {number} */ i) => i) : [at.layer];
  const rows = layers.flatMap((/** @type {number} */ layer) => {
    const [all, by] = [factorsAt(layer, at.stop) ?? groupsAt(layer, at.stop), factorsAt(layer, at.stop) ? 1 : groupSize(layer)];
    if (!all) return [];
    return Array.from({ length: all.length / FACTORS.length }, (_, k) => [run().layers[layer].name, k * by, ...fourOf(all, k), product(fourOf(all, k))]);
  });
  return { head: [t("recorded.layer"), t("recorded.neuron.short"), ...factors, t("recorded.gradient_size")], rows };
}

/** Return a program that prints the same numbers. @param {any} here */
function python({ set }) {
  const at = placeIn(set);
  const address = addressOf(Math.max(at.layer, 0), at.neuron, at.weight);
  const sample = at.sample >= 0 && run().canReplay ? `, sample=${at.whole.rows.numbers[at.sample]}` : "";
  return `import whygrad as wg\n\nrun = wg.open_run(${JSON.stringify(`runs/${run().name}`)})\nprint(run.why(${JSON.stringify(address)}, step=${at.step}${sample}))\n`;
}

const icon = () => html`<svg viewBox="0 0 64 40" aria-hidden="true"><path d="M6 6 C16 30 24 26 34 29 S52 33 58 33" /><path d="M34 4V36" stroke-dasharray="3 3" /><circle cx="34" cy="29" r="4" /></svg>`;

/** For a class: from the run to a layer, a neuron and a weight, all at the step that it opens with. */
function slides() {
  const { layer } = mostTelling();
  return [
    { name: "run", set: { layer: "" } },
    { name: "layer", set: { layer } },
    { name: "neuron", set: {} },
    { name: "weight", set: { weight: "0" } },
  ];
}

export const room = {
  name: "recorded", begin: () => ({}), advance: (/** @type {any} */ one) => one, mostSteps: 0, hasPlayer: false, sentence, view: View, numbers: () => ({}), table, python, icon, tasks: [],
  get controls() {
    return controls();
  },
  get slides() {
    return slides();
  },
};
