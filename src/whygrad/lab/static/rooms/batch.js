/** Room 5, a batch: one b serves every sample, so its gradient is a sum over all; so is that of W. */
import { html } from "../vendor/preact.js";
import { random } from "../draws.js";
import { allows } from "../guided.js";
import { asks } from "../number.js";
import { asShown, equals, number } from "../numbers.js";
import { isPlaying } from "../player.js";
import { Quizzes } from "../quizzes.js";
import { Select } from "../select.js";
import { asked, change, own, putSet } from "../state.js";
import { t } from "../words.js";
import { Code, jaxprOf, LIBRARIES } from "./batch/code.js";
import { fitted, inputs, isSpread, isTrap, MOST, MOST_INPUTS, mostSamples, NEURONS, notesOf, rateOf, upTo, valuesOf } from "./batch/layer.js";
import { endMotion, stage, useMotion, watch } from "./batch/motion.js";
import { numbers, python, table } from "./batch/numbers.js";
import { Origin, sourcesOf } from "./batch/origin.js";
import { Tables } from "./batch/picture.js";
import { quizzes } from "./batch/quizzes.js";
import { pointed } from "./batch/tables.js";

/** The batch that the room opens with; samples beyond the fifth are there to be added. */
const X = [[0.5, -1, 2, 1.5, -0.5, 1, -1.5, 0.2], [1, 0.5, -1.5, 1, 2, -1, 0.8, -0.4]];
const Y = [[1, 0, 1, 1, 0, 1, 0, 0], [0, 1, 0, 0, 1, 0, 1, 1], [1, 0, 0, 1, 1, 0, 0, 1]];
const W = [[0.8, -0.5], [-0.3, 0.9], [0.4, 0.6]];
const MORE = { w13: 0.3, w14: -0.2, w23: -0.6, w24: 0.5, w33: 0.7, w34: -0.4 }; // where samples have more than two inputs
const B = [0.2, -0.2, 0.3];
const ENOUGH = 10_000; // steps
const FIRST = "gb1"; // whose origin is shown while nothing is pointed at
const BALANCED = 0.05; // of the mean size of a δ: their sum is as good as nothing

/** @param {string} sort @param {number[][]} starts @param {number} least @param {number} most */
const cells = (sort, starts, least, most) => starts.flatMap((row, r) => row.map((start, c) => [`${sort}${r + 1}${c + 1}`, { start, least, most }]));
const controls = {
  layout: { start: "columns", choices: ["columns", "rows"] },
  samples: { start: 5, least: 1, most: MOST, isWhole: true },
  divide: { start: "mean", choices: ["mean", "sum", "rate"] },
  keepdims: { start: true },
  library: { start: "NumPy", choices: Object.keys(LIBRARIES) },
  rate: { start: 1, least: 0.01, most: 10 },
  seed: { start: 0, least: 0, most: 999_999, isWhole: true },
  ...Object.fromEntries([...cells("x", X, -5, 5), ...cells("w", W, -5, 5), ...cells("y", Y, 0, 1)]),
  ...Object.fromEntries(B.map((start, k) => [`b${k + 1}`, { start, least: -10, most: 10 }])),
  ...Object.fromEntries(Object.entries(MORE).map(([name, start]) => [name, { start, least: -5, most: 5 }])),
};

/** Return a run: the parameters, which steps change; b as the column that it is. @param {any} set */
const begin = (set) => ({
  weight: upTo(NEURONS).map((k) => upTo(inputs()).map((j) => set[`w${k}${j}`])),
  bias: upTo(NEURONS).map((k) => [set[`b${k}`]]),
});

/** Take one step down the gradient, with b as NumPy makes it. A b that fits no batch stays.
 * @param {any} run @param {any} set */
function advance(run, set) {
  const values = valuesOf({ run, set });
  if (Number.isNaN(values.loss)) return run;
  const isSquare = run.bias[0].length > 1 || isTrap(set);
  return {
    weight: run.weight.map((/** @type {number[]} */ row, /** @type {number} */ k) => row.map((one, j) => one - rateOf(set) * values[`gw${k + 1}${j + 1}`])),
    bias: upTo(NEURONS).map((k) => (isSquare ? upTo(NEURONS).map((c) => values[`nb${k}${c}`]) : [values[`nb${k}`]])),
  };
}

/** Return the controls that begin where a run has come to; a b that is a table cannot.
 * @param {any} run */
function settle(run) {
  const weights = run.weight.flatMap((/** @type {number[]} */ row, /** @type {number} */ k) => row.map((one, j) => [`w${k + 1}${j + 1}`, one]));
  const biases = run.bias[0].length > 1 ? [] : run.bias.map((/** @type {number[]} */ row, /** @type {number} */ k) => [`b${k + 1}`, row[0]]);
  return Object.fromEntries([...weights, ...biases]);
}

/** Draw another batch, and another layer. @param {any} _ @param {number} seed */
function draw(_, seed) {
  const { uniform } = random(seed);
  const tenths = (/** @type {number} */ most) => Math.round(uniform(-10 * most, 10 * most)) / 10;
  const rules = /** @type {Record<string, () => number>} */ ({ x: () => tenths(2), w: () => tenths(1), b: () => tenths(0.5), y: () => Number(uniform() < 0.5) });
  const names = Object.keys(controls).filter((name) => (own.value ? /^[wb]\d/.test(name) : /^[xwby]\d/.test(name) && !(name in MORE)));
  return { seed, ...Object.fromEntries(names.map((name) => [name, rules[name[0]]()])) };
}

/** Return the one sentence that is true of what is on screen. @param {any} here @returns {[string, any]} */
function sentence(here) {
  const { set, run, step } = here;
  const found = valuesOf(here);
  const sum = found.gb1 * set.samples;
  const values = { ...found, sum, count: set.samples, samples: String(set.samples), is: equals(found.gb1, asShown(sum) / set.samples) };
  if (Number.isNaN(found.loss)) return [`batch.says.${isSpread(here) ? "spread" : "broken"}`, values];
  if (run.bias[0].length > 1) return ["batch.says.unnoticed", values];
  if (isTrap(set)) return ["batch.says.trap", values];
  if (step > 0) {
    const first = valuesOf({ set, run: begin(set) }).loss;
    return ["batch.says.learnt", { step: String(step), steps: step, count: set.samples, first, loss: found.loss, weights: String(NEURONS * inputs()) }];
  }
  if (set.samples === 1) return ["batch.says.one", values];
  if (set.divide !== "mean") return [`batch.says.${set.divide}`, values];
  if (set.layout === "rows") return ["batch.says.rows", values];
  return ["batch.says.mean", values];
}

/** Buttons of which one is pressed. @param {{control: string, set: any, onChoose: (value: string) => void}} props */
function Choice({ control, set, onChoose }) {
  const { choices } = /** @type {any} */ (controls)[control];
  return html`<div class="segments" role="group" aria-label=${t(`batch.${control}`)}>
    ${choices.map((/** @type {string} */ one) => html`<button type="button" class="answer" data-control=${control} data-value=${one} aria-pressed=${set[control] === one} onClick=${() => onChoose(one)}>
      ${control === "library" ? one : t(`batch.${control}.${one}`, { samples: String(set.samples) })}</button>`)}
  </div>`;
}

/** @param {any} here */
function View(here) {
  const { set } = here;
  useMotion(set.samples);
  const values = valuesOf(here);
  const known = (/** @type {string} */ name) => Object.hasOwn(values, name) && !Number.isNaN(values[name]);
  const name = [pointed.value, asked.value, FIRST].find(known) ?? "w11";
  const sources = new Set(stage.value === "rest" ? sourcesOf(here, values, name) : []);
  const touch = (/** @type {any} */ changes) => {
    endMotion();
    isPlaying.value = false;
    change(changes);
  };
  /** What turns the picture and changes no number: the steps stay. @param {any} changes */
  const turn = (changes) => {
    endMotion();
    putSet(here.room.name, { ...set, ...changes });
  };
  const rate = t("number.shown", { symbol: "η =", value: number(set.rate), name: t("batch.quantity.rate") });
  const jaxpr = set.library === "JAX" ? jaxprOf(set) : "";
  return html`<div class="batch">
    <div class="left">
      <div class="row controls">
        ${allows("layout") && html`<${Choice} control="layout" set=${set} onChoose=${(/** @type {string} */ layout) => turn({ layout })} />`}
        ${allows("samples") && html`<${Select} name="samples" label=${t("batch.samples")} value=${set.samples} of=${upTo(mostSamples(own.value))} onChange=${(/** @type {number} */ samples) => touch({ samples })} />`}
        <button type="button" class="quiet watch" onClick=${() => watch(set.samples)}>${t("batch.watch")}</button>
      </div>
      <${Tables} here=${here} values=${values} sources=${sources} onChange=${touch} />
      <${Quizzes} onShow=${touch} />
    </div>
    <div class="right">
      <${Origin} here=${here} values=${values} name=${name} />
      <section class="program" aria-label=${t("batch.program")}>
        ${allows("divide") && html`<${Choice} control="divide" set=${set} onChoose=${(/** @type {string} */ divide) => touch({ divide })} />`}
        <div class="row">
          ${set.layout === "columns" && allows("keepdims") && html`<button type="button" class="toggle" role="switch" aria-checked=${set.keepdims} data-control="keepdims" onClick=${() => touch({ keepdims: !set.keepdims })}>
            <i aria-hidden="true"></i>keepdims</button>`}
          ${allows("rate") && html`<span class="rate" ...${asks("rate", rate)}>η = <b>${number(set.rate)}</b></span>`}
        </div>
        ${isTrap(set) && html`<p class="repair">${t("batch.repair")}</p>`}
        ${allows("library") && html`<${Choice} control="library" set=${set} onChoose=${(/** @type {string} */ library) => turn({ library })} />`}
        <${Code} here=${here} />
        ${jaxpr && html`<p class="aside">${t("batch.jaxpr")}</p><pre class="code jaxpr"><code>${jaxpr}</code></pre>`}
      </section>
    </div>
  </div>`;
}

const icon = () => html`<svg viewBox="0 0 64 40" aria-hidden="true"><path d="M6 8 V32 M26 8 V32 M36 8 V32 M46 8 V32 M56 8 V32 M20 20 H12 M15 17 L12 20 L15 23" /></svg>`;

const tasks = [
  { name: "repair", set: { keepdims: false }, controls: ["keepdims"], isDone: (/** @type {any} */ here) => here.set.keepdims },
  { name: "same_step", set: { divide: "sum" }, controls: ["divide"], isDone: (/** @type {any} */ here) => here.set.divide === "rate" },
  { name: "balance", set: {}, controls: ["b1"], isDone: isBalanced },
];

/** Whether the samples pull at the first bias, and all the same nothing is left of their sum.
 * @param {any} here */
function isBalanced(here) {
  const values = valuesOf(here);
  const pulls = upTo(here.set.samples).map((i) => values[`d1${i}`]);
  const size = pulls.reduce((total, one) => total + Math.abs(one), 0);
  return Math.abs(pulls.reduce((total, one) => total + one, 0)) < BALANCED * size;
}

const slides = [
  { name: "two", set: { samples: 2 } },
  { name: "five", set: {} },
  { name: "sum", set: { divide: "sum" } },
  { name: "turned", set: { layout: "rows" } },
  { name: "trap", set: { keepdims: false } },
];

/** Where b fits no batch, NumPy goes no further. @param {any} set */
const mostSteps = (set) => (isTrap(set) && set.samples !== NEURONS ? 1 : ENOUGH);

export const room = {
  name: "batch", mostSteps, controls, fitted, data: { kinds: ["classes"], inputs: MOST_INPUTS, says: notesOf }, begin, advance, settle, draw, sentence, view: View, numbers, table, python, icon, tasks, slides, quizzes,
};
