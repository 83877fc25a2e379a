/** Room 3, the copying machine: neurons that start alike stay alike, and a layer of them is one. */
import { html } from "../vendor/preact.js";
import { apart, effectiveWidth } from "../engine.js";
import { allows } from "../guided.js";
import { asks } from "../number.js";
import { number } from "../numbers.js";
import { Player } from "../player.js";
import { Quizzes } from "../quizzes.js";
import { isNarrow, lookAt } from "../state.js";
import { t } from "../words.js";
import { ApartChart, LossChart } from "./copying/charts.js";
import { ACTIVATIONS, OPTIMIZERS, Settings, Starts, stay } from "./copying/controls.js";
import { arrows, cell } from "./copying/grid.js";
import { Matrix } from "./copying/matrix.js";
import { numbersOf, table } from "./copying/numbers.js";
import { Proof } from "./copying/proof.js";
import { python } from "./copying/python.js";
import { quizzes } from "./copying/quizzes.js";
import { lineOf, networkAt, neuronAt, notesOf, Samples, Surface } from "./copying/surface.js";
import { advance, begin, curvesOf, guessing, isAlike, lookedAt, movedOf, NUDGE, samples } from "./copying/training.js";

const STEPS = 1000;
const TILE = 64; // pixels

const controls = {
  start: { start: "constant", choices: ["constant", "random", "biases", "out"] },
  constant: { start: 0.5, least: -3, most: 3 },
  touch: { start: -1, least: -1, most: STEPS, isWhole: true },
  one: { start: true },
  width: { start: 16, least: 2, most: 100, isWhole: true },
  activation: { start: "tanh", choices: ACTIVATIONS },
  optimizer: { start: "adam", choices: OPTIMIZERS },
  rate: { start: 0.05, least: 0.001, most: 1 },
  seed: { start: 0, least: 0, most: 999_999, isWhole: true },
};

/** Return the two neurons that are compared. @param {any} here */
function pairOf({ set, look }) {
  const [first, second] = (/^(\d+),(\d+)$/.exec(look) ?? ["", "1", "2"]).slice(-2);
  return [first, second].map((k) => Math.min(Math.max(Number(k), 1), set.width) - 1);
}

/** @param {number[]} pair */
const compare = (pair) => lookAt(pair.map((k) => k + 1).join(","));

/** Draw another start: of copies there is only one. @param {any} set @param {number} seed */
const draw = (set, seed) => ({ seed, ...(isAlike(set) ? { start: "random" } : {}) });

/** Return the one sentence that is true of what is on screen. @param {any} here @returns {[string, any]} */
function sentence({ set, run, step }) {
  const loss = lookedAt(run.state).loss;
  const { network } = run.state;
  const values = {
    loss, first: curvesOf(run)[0].loss, n: String(set.width), neurons: set.width, step: String(step), steps: step,
    w: number(set.constant), apart: apart(network).hidden1, width: String(effectiveWidth(network).hidden1), parted: String(run.parted), touch: String(set.touch), guess: guessing(),
  };
  if (!Number.isFinite(loss)) return ["copying.says.lost", values];
  if (set.touch >= 0 && set.touch <= step && isAlike(set)) return [`copying.says.${run.parted < 0 ? "touched" : "fallen"}`, values];
  const { weightsIn, biases, weightsOut, outputBias } = movedOf(run);
  const isSilent = weightsIn === 0 && biases === 0 && weightsOut === 0;
  const isZero = step === 0 ? isAlike(set) && set.constant === 0 : isSilent;
  if (isZero && step > 0) return [`copying.says.zero.${outputBias > 0 ? samples().kind : "still"}`, values];
  return [`copying.says.${isZero ? "zero" : isAlike(set) ? "alike" : set.start}.${step === 0 ? "start" : "now"}`, values];
}

/** What every neuron says of the plane. @param {any} props */
function Tiles({ network, both }) {
  const n = network.layers[0].weight.columns;
  const columns = isNarrow.value ? Math.max(Math.min(n, 8), Math.ceil(Math.sqrt(n))) : Math.ceil(Math.sqrt(n));
  const line = (/** @type {number} */ k) => (/** @type {CanvasRenderingContext2D} */ context) => {
    const ends = lineOf(network, k)?.map(([x, y]) => [((x + 1) * TILE) / 2, ((1 - y) * TILE) / 2]);
    if (!ends) return;
    context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--ink");
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(ends[0][0], ends[0][1]);
    context.lineTo(ends[1][0], ends[1][1]);
    context.stroke();
  };
  const choose = (/** @type {number} */ k) => compare([both[0], k]);
  return html`<section class="neurons">
    <p class="caption" id="tiles">${t("copying.tiles")}</p>
    <div class="tiles" role="group" aria-labelledby="tiles" style=${{ gridTemplateColumns: `repeat(${columns}, 1fr)` }} onKeyDown=${(/** @type {any} */ event) => arrows(event, columns)}>
      ${Array.from({ length: n }, (_, k) => html`<button type="button" key=${k} class="tile" aria-pressed=${both.includes(k)} aria-label=${t("copying.neuron", { k: String(k + 1) })}
        onClick=${() => choose(k)} ...${cell(k)}><${Surface} size=${TILE} valueAt=${neuronAt(network, k)} draw=${line(k)} /></button>`)}
    </div>
  </section>`;
}

/** A large number that can be asked. @param {{name: string, text: any, label: string}} props */
function Figure({ name, text, label }) {
  return html`<div class="figure ${name}" ...${asks(name)}><b>${text}</b><span>${label}</span></div>`;
}

/** Which parts of the network have moved: a lamp each. @param {{run: any}} props */
function Parts({ run }) {
  const moved = movedOf(run);
  return html`<section class="parts"><p class="caption" id="parts">${t("copying.parts")}</p>
    <div class="lamps" role="group" aria-labelledby="parts">${Object.entries(moved).map(([name, way]) => html`
      <div class="lamp ${way > 0 ? "lit" : ""}" ...${asks(`moved.${name}`)}>
        <i aria-hidden="true"></i><span>${t(`copying.part.${name}`)}</span><b>${number(way, 3)}</b></div>`)}</div>
  </section>`;
}

/** @param {any} here */
function View(here) {
  const { set, run, step } = here;
  const { network } = run.state;
  const both = pairOf(here);
  const curves = curvesOf(run);
  const now = curves[curves.length - 1];
  const n = set.width;
  const isTouched = set.touch >= 0 && set.touch <= step;
  return html`<div class="copying">
    <${Starts} set=${set} />
    <div class="stage">
      <${Tiles} network=${network} both=${both} />
      <section class="whole"><p class="caption">${t(`copying.whole.${samples().kind}`)}</p>
        <div class="plane"><${Surface} size=${128} valueAt=${networkAt(network)} /><${Samples} /></div></section>
      <section class="results">
        <div class="figures">
          <${Figure} name="width" text=${`${effectiveWidth(network).hidden1} / ${n}`} label=${t("copying.quantity.width")} />
          <${Figure} name="apart" text=${number(now.apart)} label=${t("copying.quantity.apart")} />
          <${Figure} name="loss" text=${number(now.loss)} label=${t("copying.quantity.loss")} />
        </div>
        <${LossChart} curves=${curves} steps=${STEPS} guess=${guessing()} showsOne=${set.one && run.one} />
        <p class="legend">${set.one && run.one && t("copying.legend.one", { one: now.one, apart: number(mostApart(curves), 2) })}</p>
        <${ApartChart} curves=${curves} steps=${STEPS} />
      </section>
    </div>
    ${allows("player") && html`<${Player} />`}
    <div class="row tools">
      ${allows("touch") && html`<button type="button" class="answer" aria-pressed=${isTouched} data-control="touch" onClick=${() => stay({ touch: isTouched ? -1 : step })}>
        ${t(isTouched ? "copying.untouch" : "copying.touch", { nudge: number(NUDGE), step: String(set.touch) })}</button>`}
      ${allows("one") && html`<button type="button" class="toggle" role="switch" aria-checked=${set.one} disabled=${!run.one} data-control="one" onClick=${() => stay({ one: !set.one })}><i aria-hidden="true"></i>${t("copying.one")}</button>`}
    </div>
    <${Quizzes} />
    <div class="below">
      <${Proof} run=${run} pair=${both} />
      <div class="side"><${Matrix} network=${network} pair=${both} onChoose=${compare} /><${Parts} run=${run} /><${Settings} set=${set} /></div>
    </div>
  </div>`;
}

/** Return how far both traces are apart at most, relative to the loss. @param {any[]} curves */
function mostApart(curves) {
  return curves.reduce((most, { loss, one }) => Math.max(most, Math.abs(loss - one) / Math.max(Math.abs(loss), Math.abs(one))), 0);
}

const icon = () => html`<svg viewBox="0 0 64 40" aria-hidden="true"><path d="M14 12 h24 v22 h-24 Z M20 12 v-4 h24 v22 h-6 M26 8 v-4 h24 v22 h-6 M18 30 L34 16" /></svg>`;

const tasks = [
  { name: "clones", set: { start: "random" }, controls: ["start", "constant", "player"], isDone: (/** @type {any} */ { set, run, step }) => step >= 100 && set.touch < 0 && set.constant !== 0 && effectiveWidth(run.state.network).hidden1 === 1 },
  { name: "pencil", set: {}, controls: ["touch", "player"], isDone: (/** @type {any} */ { run }) => run.parted >= 0 && run.state.step > run.parted && lookedAt(run.state).loss < 0.5 },
  { name: "ring", set: {}, controls: ["start", "constant", "player"], isDone: (/** @type {any} */ { run }) => lookedAt(run.state).loss < 0.01 },
];

const slides = [
  { name: "alike", set: {} },
  { name: "zero", set: { constant: 0 } },
  { name: "pencil", set: { touch: 0 } },
  { name: "random", set: { start: "random" } },
  { name: "biases", set: { start: "biases" } },
];

export const room = {
  name: "copying", look: "1,2", controls, data: { kinds: ["classes", "quantity"], inputs: 7, says: notesOf }, begin, advance, draw, mostSteps: STEPS, speed: 100, hasPlayer: false, sentence, view: View,
  numbers: (/** @type {any} */ here) => numbersOf(here, pairOf(here)), table, python: (/** @type {any} */ here) => python(here, pairOf(here)), icon, tasks, slides, quizzes,
};
