/** Room 4, why biases may be 0: the weights differ already, so the neurons do. */
import { html } from "../vendor/preact.js";
import { effectiveWidth } from "../engine.js";
import { formula } from "../formula.js";
import { allows } from "../guided.js";
import { asks } from "../number.js";
import { number } from "../numbers.js";
import { isPlaying, Player } from "../player.js";
import { Quizzes } from "../quizzes.js";
import { Select } from "../select.js";
import { Slider } from "../slider.js";
import { change, lookAt } from "../state.js";
import { t } from "../words.js";
import { Bands, Strip } from "./biases/charts.js";
import { numbersOf, python, rowsOf, table, toldOf } from "./biases/numbers.js";
import { quizzes } from "./biases/quizzes.js";
import { advance, bandsOf, begin, comparisonOf, KINDS, lossesOf, SEEDS } from "./biases/training.js";
import { ACTIVATIONS } from "./copying/controls.js";
import { arrows, cell } from "./copying/grid.js";
import { networkAt, notesOf, Surface } from "./copying/surface.js";

const STEPS = 500;
const TILE = 36; // pixels
const WIDTHS = [4, 8, 16];
const RATES = [0.01, 0.02, 0.05, 0.1];

const controls = {
  spread: { start: 0.1, least: 0, most: 5 },
  width: { start: 16, least: 2, most: 32, isWhole: true },
  activation: { start: "tanh", choices: ACTIVATIONS },
  optimizer: { start: "adam", choices: ["adam"] },
  rate: { start: 0.02, least: 0.001, most: 1 },
  seed: { start: 0, least: 0, most: 999_999, isWhole: true },
};

/** Return which of the seeds is looked at, and which neuron. @param {any} here */
function lookedFor({ set, look }) {
  const [column, neuron] = (/^(\d+),(\d+)$/.exec(look) ?? ["", "1", "1"]).slice(-2).map(Number);
  return { column: Math.min(Math.max(column, 1), SEEDS) - 1, neuron: Math.min(Math.max(neuron, 1), set.width) - 1 };
}

/** @param {{column: number, neuron: number}} at */
const lookFor = ({ column, neuron }) => lookAt(`${column + 1},${neuron + 1}`);

/** Draw eight other seeds. @param {any} set */
const draw = (set) => ({ seed: set.seed + SEEDS });

/** Return the one sentence that is true of what is on screen. @param {any} here @returns {[string, any]} */
function sentence({ set, run, step }) {
  const { zero, random, ahead, isOverlapping } = comparisonOf(run);
  const widths = run.states[0].map((/** @type {any} */ { network }) => effectiveWidth(network).hidden1);
  const values = {
    width: String(Math.min(...widths)), n: String(set.width), neurons: set.width, step: String(step), steps: step, seeds: String(SEEDS), ahead: String(ahead),
    zero: zero.middle, random: random.middle, low: zero.low, high: zero.high, spread: set.spread,
  };
  if (!Number.isFinite(zero.high + random.high)) return ["copying.says.lost", values];
  if (set.spread === 0) return ["biases.says.none", values];
  if (step === 0) return ["biases.says.start", values];
  if (!isOverlapping) return ["biases.says.apart", values];
  const matters = Math.abs(zero.middle - random.middle) < zero.high - zero.low;
  return [`biases.says.${matters ? "overlap" : "touch"}`, values];
}

/** @param {any} changes */
function restart(changes) {
  isPlaying.value = false;
  change(changes);
}

/** All networks: each seed's two, one above the other. @param {any} props */
function Seeds({ run, set, at }) {
  const losses = lossesOf(run);
  const columns = 4;
  return html`<section class="seeds"><p class="caption" id="seeds">${t("biases.tiles")}</p>
    <div class="seed-grid" role="group" aria-labelledby="seeds" onKeyDown=${(/** @type {any} */ event) => arrows(event, columns)}>
      ${Array.from({ length: SEEDS }, (_, i) => html`<button type="button" class="seed" aria-pressed=${i === at.column} onClick=${() => lookFor({ ...at, column: i })} ...${cell(i)}>
        <span class="unseen">${t("biases.seed", { seed: String(set.seed + i) })}</span>
        ${KINDS.map((kind, j) => html`<span class="half ${kind}"><span class="unseen">${t(`biases.kind.${kind}`)}</span><${Surface} size=${TILE} valueAt=${networkAt(run.states[j][i].network)} /><b>${number(losses[j][i], 3)}</b></span>`)}
      </button>`)}
    </div></section>`;
}

/** A number of either kind. @param {{name: string, value: number, label: string, index: number}} props */
function Cell({ name, value, label, index }) {
  const text = number(value);
  return html`<td><span ...${asks(name, t("number.is", { name: label, value: text }))} ...${cell(index)}>${text}</span></td>`;
}

/** Both networks of a seed side by side, and one neuron of them. @param {any} props */
function Sides({ states, set, at }) {
  const told = states.map((/** @type {any} */ state) => toldOf(state, at.neuron));
  const numbers = numbersOf({ run: { states: states.map((/** @type {any} */ state) => Array(SEEDS).fill(state)) } }, at);
  const rows = rowsOf();
  return html`<table class="proof" onKeyDown=${(/** @type {any} */ event) => arrows(event, 2)}>
    <caption>${t("biases.sides", { seed: String(set.seed + at.column), k: String(at.neuron + 1) })}</caption>
    <thead><tr><td></td>${KINDS.map((kind) => html`<th scope="col">${t(`biases.kind.${kind}`)}</th>`)}</tr></thead>
    <tbody>${["loss", "width", ...Object.keys(rows)].map((name, row) => html`<tr class=${name === "flow" ? "first" : ""}>
      <th scope="row">${rows[name] ? html`<span class="unseen">${t(`biases.quantity.${name}`)}</span>` : ""}${rows[name] ? formula(rows[name].of.length ? [rows[name].symbol, html`<mrow class="from ${name === "z" ? "long" : ""}"><mo>=</mo>${shown(rows, name)}</mrow>`] : [rows[name].symbol]) : t(`biases.quantity.${name}`)}</th>
      ${KINDS.map((kind, i) => html`<${Cell} name=${`${name}.${kind}`} value=${told[i][name] ?? numbers[`${name}.${kind}`].value} index=${2 * row + i}
        label=${`${t(`biases.quantity.${name}`)}, ${t(`biases.kind.${kind}`)}`} />`)}
    </tr>`)}</tbody></table>`;
}

/** What a number is made of. @param {ReturnType<typeof rowsOf>} rows @param {string} name */
function shown(rows, name) {
  const parts = name === "z" ? [rows.flow.symbol, "+", rows.b.symbol] : rows[name].of;
  return parts.map((part) => (typeof part === "string" ? html`<mo>${part}</mo>` : part));
}

/** @param {{set: any}} props */
function Settings({ set }) {
  const choice = (/** @type {string} */ name, /** @type {any[]} */ of) =>
    allows(name) && html`<${Select} name=${name} label=${t(`copying.${name}`)} value=${set[name]} of=${of} onChange=${(/** @type {any} */ value) => restart({ [name]: value })} />`;
  return html`<div class="settings">${choice("width", WIDTHS)}${choice("activation", ACTIVATIONS)}${choice("rate", RATES)}</div>`;
}

/** @param {any} here */
function View(here) {
  const { set, run } = here;
  const at = lookedFor(here);
  const states = run.states.map((/** @type {any} */ all) => all[at.column]);
  const compared = comparisonOf(run);
  const received = states.map((/** @type {any} */ state) => Array.from({ length: set.width }, (_, k) => toldOf(state, k).z));
  const large = (/** @type {string} */ name, /** @type {any} */ text, /** @type {string} */ kind) => html`<div class="figure ${kind}" ...${asks(name)}><b>${text}</b><span>${kind && html`<i aria-hidden="true"></i>`}${t(`biases.figure.${name}`)}</span></div>`;
  return html`<div class="biases copying">
    ${allows("spread") && html`<div class="starts"><svg class="constant" viewBox="0 0 400 44" role="group" aria-label=${t("biases.spread")}>
      <text x="0" y="28">${t("biases.spread.is", { spread: set.spread })}</text>
      <${Slider} name="spread" label=${t("biases.spread")} value=${set.spread} least=${0} most=${5} x=${230} y=${22} length=${150} step=${0.1} onChange=${(/** @type {number} */ spread) => restart({ spread })} />
    </svg></div>`}
    <div class="stage">
      <${Seeds} run=${run} set=${set} at=${at} />
      <section class="results">
        <div class="figures">${large("middle.zero", number(compared.zero.middle), "zero")}${large("middle.random", number(compared.random.middle), "random")}${large("ahead", `${compared.ahead} / ${SEEDS}`, "")}</div>
        <p class="caption">${t("biases.bands")}</p>
        <${Bands} bands=${bandsOf(run)} steps=${STEPS} />
      </section>
    </div>
    ${allows("player") && html`<${Player} />`}
    <${Quizzes} />
    <div class="below">
      <section><p class="caption">${t("biases.strip")}</p>
        <${Strip} received=${received} chosen=${at.neuron} onChoose=${(/** @type {number} */ k) => lookFor({ ...at, neuron: k })} />
        <${Settings} set=${set} /></section>
      <${Sides} states=${states} set=${set} at=${at} />
    </div>
  </div>`;
}

const icon = () => html`<svg viewBox="0 0 64 40" aria-hidden="true"><path d="M6 8 C18 10 20 30 58 32 M6 14 C18 16 22 34 58 35" /><path stroke-dasharray="4 3" d="M6 5 C20 8 24 26 58 29" /></svg>`;

const tasks = [
  { name: "enough", set: {}, controls: ["spread", "player"], isDone: (/** @type {any} */ { run, step, set }) => step >= 100 && set.spread > 0 && comparisonOf(run).isOverlapping },
  { name: "harm", set: {}, controls: ["spread", "player"], isDone: (/** @type {any} */ { run, step }) => step >= 50 && !comparisonOf(run).isOverlapping },
];

const slides = [
  { name: "start", set: {} },
  { name: "none", set: { spread: 0 } },
  { name: "large", set: { spread: 5 } },
  { name: "relu", set: { activation: "relu" } },
];

export const room = {
  name: "biases", look: "1,1", controls, data: { kinds: ["classes", "quantity"], inputs: 7, says: notesOf }, begin, advance, draw, mostSteps: STEPS, speed: 100, hasPlayer: false, sentence, view: View,
  numbers: (/** @type {any} */ here) => numbersOf(here, lookedFor(here)), table, python, icon, tasks, slides, quizzes,
};
