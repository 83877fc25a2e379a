/** Room 6, the sum on a GPU: as many additions either way, but how many of them have to wait? */
import { html } from "../vendor/preact.js";
import { allows } from "../guided.js";
import { number } from "../numbers.js";
import { isPlaying } from "../player.js";
import { Quizzes } from "../quizzes.js";
import { Slider } from "../slider.js";
import { change, isCalm, lookAt } from "../state.js";
import { t } from "../words.js";
import { Counts, Figure, Levels, Term } from "./gpu/counts.js";
import { numbers, python, table } from "./gpu/numbers.js";
import { quizzes } from "./gpu/quizzes.js";
import { countsOf, sizesOf } from "./gpu/sums.js";
import { Threads } from "./gpu/threads.js";
import { Trees } from "./gpu/trees.js";

const CARDS = ["1", "2", "4", "8"];
const DRAWN = 8; // terms that are drawn with all of their sums

const controls = {
  power: { start: 3, least: 3, most: 10, isWhole: true },
  cards: { start: "1", choices: CARDS },
  seed: { start: 0, least: 0, most: 999_999, isWhole: true },
};

/** A round has been taken: both orders have added what they could. @param {any} run */
const advance = (run) => ({ round: run.round + 1 });

/** @param {any} set */
const mostSteps = (set) => sizesOf(set).m - 1;

/** @param {string} look @param {number} m */
const lookedAt = (look, m) => Math.min(Number(/^t(\d{1,4})$/.exec(look)?.[1] ?? 0), m - 1);

/** @param {any} here @returns {[string, any]} */
function sentence({ set, step }) {
  const { m, cards, additions, rounds, error, inQueue, inTree } = countsOf(set);
  const told = { m: String(m), additions: m - 1, rounds: rounds.length, step: String(step), steps: step };
  if (step === 0 && cards > 1) return ["gpu.says.cards", { ...told, cards: String(cards), tree: String(additions.tree), added: additions.tree }];
  if (step === 0) return [m === DRAWN ? "gpu.says.start" : "gpu.says.many", told];
  if (step < rounds.length) return ["gpu.says.both", { ...told, left: String(m - step), held: String(rounds[step - 1].active) }];
  if (step < m - 1) return ["gpu.says.waiting", { ...told, left: m - 1 - step, lefts: String(m - 1 - step) }];
  const off = { ...told, queue: number(error.queue, 2), tree: number(error.tree, 2) };
  if (inQueue === inTree) return ["gpu.says.same", off];
  if (error.queue === error.tree) return ["gpu.says.even", off];
  return [error.queue > error.tree ? "gpu.says.closer" : "gpu.says.luck", off];
}

/** @param {any} here */
function View({ set, step, look }) {
  const counts = countsOf(set);
  const { m } = counts;
  const looked = lookedAt(look, m);
  const touch = (/** @type {any} */ changes) => {
    isPlaying.value = false;
    change(changes);
  };
  const browse = (/** @type {any} */ event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: Math.min(32, m), ArrowUp: -Math.min(32, m), Home: -m, End: m }[/** @type {string} */ (event.key)];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const to = looked + by;
    if (["Home", "End"].includes(event.key) || (to >= 0 && to < m)) lookAt(`t${Math.min(Math.max(to, 0), m - 1)}`);
  };
  return html`<div class="gpu ${isCalm.value ? "calm" : ""}">
    <div class="orders" role="slider" tabindex="0" data-control="term" aria-label=${t("gpu.choose")} aria-valuemin="0" aria-valuemax=${m - 1} aria-valuenow=${looked}
      aria-valuetext=${`δ ${looked}: ${number(counts.terms[looked])}`} onKeyDown=${browse}>
      ${m === DRAWN ? html`<${Trees} counts=${counts} step=${step} looked=${looked} />` : html`<${Threads} counts=${counts} step=${step} looked=${looked} />`}
    </div>
    <div class="beside">
      <${Counts} counts=${counts} />
      <p class="mean">${t("gpu.mean")} <${Figure} name="gradient" value=${counts.gradient} title=${t("gpu.quantity.gradient")} /></p>
      <h2>${t("gpu.levels")}</h2>
      <${Levels} counts=${counts} step=${step} />
      <${Term} counts=${counts} looked=${looked} />
      <p class="note">${t("gpu.simulated")}</p>
    </div>
    <div class="row controls">
      ${allows("power") && html`<svg class="terms" viewBox="0 0 330 48" role="group" aria-label=${t("gpu.terms")}>
        <text x="0" y="29">${t("gpu.terms")}</text>
        <${Slider} name="power" label=${t("gpu.terms")} value=${set.power} least=${3} most=${10} step=${1} x=${84} y=${24} length=${160} text=${String(m)}
          onChange=${(/** @type {number} */ power) => touch({ power })} />
        <text class="value" x="330" y="31" text-anchor="end">${m}</text>
      </svg>`}
      ${allows("cards") && html`<span class="row cards" role="group" aria-label=${t("gpu.cards")}><span class="label">${t("gpu.cards")}</span>
        ${CARDS.map((one) => html`<button type="button" key=${one} class="answer" data-cards=${one} aria-pressed=${set.cards === one} onClick=${() => touch({ cards: one })}>${one}</button>`)}</span>`}
    </div>
    <${Quizzes} onShow=${touch} />
  </div>`;
}

const icon = () => html`<svg viewBox="0 0 64 40" aria-hidden="true"><path d="M8 6 V12 L16 18 M24 6 V12 L16 18 M40 6 V12 L48 18 M56 6 V12 L48 18 M16 18 V24 L32 32 M48 18 V24 L32 32 V38" /></svg>`;

const tasks = [
  { name: "ten", set: {}, controls: ["power"], isDone: (/** @type {any} */ { set }) => countsOf(set).rounds.length === 10 },
  { name: "waiting", set: { power: 5 }, controls: ["player"], isDone: (/** @type {any} */ { set, step }) => step === countsOf(set).rounds.length },
];

const slides = [
  { name: "queue", set: {}, look: "t0" },
  { name: "last", set: {}, look: "t7" },
  { name: "warp", set: { power: 5 }, look: "t0" },
  { name: "block", set: { power: 10 }, look: "t0" },
  { name: "cards", set: { power: 10, cards: "4" }, look: "t0" },
];

export const room = {
  name: "gpu", controls, look: "t0", begin: () => ({ round: 0 }), advance, mostSteps, sentence, view: View, numbers, table, python, icon, tasks, slides, quizzes,
  draw: (/** @type {any} */ _, /** @type {number} */ seed) => ({ seed }),
};
