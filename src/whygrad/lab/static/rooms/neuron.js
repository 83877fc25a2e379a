/** Room 1, one neuron: who hears the error? The weight through its input, the bias through a 1. */
import { html, signal } from "../vendor/preact.js";
import { random } from "../draws.js";
import { ACTIVATIONS } from "../engine.js";
import { allows } from "../guided.js";
import { number } from "../numbers.js";
import { isPlaying } from "../player.js";
import { Quizzes } from "../quizzes.js";
import { Select } from "../select.js";
import { change } from "../state.js";
import { t } from "../words.js";
import { chainOf, isSilent, isHeld, neuronOf, valuesOf } from "./neuron/chain.js";
import { Curve } from "./neuron/curve.js";
import { endWalk, isWalking, useWalk, walk, walked } from "./neuron/flow.js";
import { Formulas, Gears } from "./neuron/gears.js";
import { numbers, python, table } from "./neuron/numbers.js";
import { Picture } from "./neuron/picture.js";
import { askGuess, FAR, isAsked, quizzes, slideTo, useQuestion } from "./neuron/quizzes.js";

const RATES = [0.1, 0.3, 1, 3, 10];

const controls = {
  input: { start: 3, least: -5, most: 5 },
  weight: { start: 0.5, least: -5, most: 5 },
  bias: { start: -1, least: -30, most: 30 },
  target: { start: 1, least: -1, most: 1 },
  activation: { start: "sigmoid", choices: Object.keys(ACTIVATIONS) },
  hold: { start: true },
  held: { start: 0.5, least: -60, most: 60 },
  rate: { start: 1, least: 0.01, most: 10 },
  seed: { start: 0, least: 0, most: 999_999 },
};

/** The numbers before what was touched last: what has changed since can be told. */
const before = signal(/** @type {any} */ (null));
const touched = signal("");

/** Return a run: the parameters, which steps change. It begins where z is held. @param {any} set */
const begin = (set) => ({ weight: set.weight, bias: set.hold ? set.held - set.weight * set.input : set.bias });

/** Take one step down the gradient. @param {any} run @param {any} set */
function advance(run, set) {
  const { weightGradient, biasGradient } = chainOf({ ...set, ...run });
  return { weight: run.weight - set.rate * weightGradient, bias: run.bias - set.rate * biasGradient };
}

/** Return the controls that begin where a run has come to. @param {any} run */
const settle = (run) => ({ ...run, hold: false });

/** Draw another start, from -2 to 2 in tenths. @param {any} _ @param {number} seed */
function draw(_, seed) {
  const { uniform } = random(seed);
  const tenth = () => Math.round(uniform(-20, 20)) / 10;
  return { seed, weight: tenth(), bias: tenth(), hold: false };
}

/** Return the one sentence that is true of what is on screen: a key, and its values. @param {any} here
 * @returns {[string, any]} */
function sentence(here) {
  const { set, step } = here;
  const values = valuesOf(here);
  if (step > 0) {
    const first = chainOf({ ...neuronOf(here), ...begin(set) }).loss;
    return ["neuron.says.learnt", { step: String(step), steps: step, rate: set.rate, first, loss: values.loss }];
  }
  if (isSilent(values, set.activation)) return ["neuron.says.flat", values];
  if (values.delta === 0) return ["neuron.says.met", values];
  if (values.input === 0) return ["neuron.says.dry", values];
  if (values.input === 1) return ["neuron.says.equal", values];
  if (isHeld(here) && touched.value === "input") return ["neuron.says.held", values];
  const was = before.value?.delta;
  if (was !== undefined && number(was) !== number(values.delta)) return ["neuron.says.changed", { ...values, was }];
  return ["neuron.says.both", values];
}

/** @param {any} here */
function View(here) {
  useWalk();
  useQuestion();
  const { set } = here;
  const values = valuesOf(here);
  const held = isHeld(here);
  const touch = (/** @type {any} */ changes) => {
    const [name] = Object.keys(changes);
    if (isWalking.value || walked.value < 0) endWalk();
    if (touched.value !== name) before.value = values;
    touched.value = name;
    isPlaying.value = false;
    // only the input is made up for: whoever moves anything else before z wants z to move
    change(["weight", "bias", "activation"].includes(name) ? { hold: false, ...changes } : changes);
    if (name === "input") askGuess();
  };
  const choice = (/** @type {string} */ name, /** @type {any[]} */ of) =>
    allows(name) && html`<${Select} name=${name} label=${t(`neuron.${name}`)} value=${set[name]} of=${of} onChange=${(/** @type {any} */ value) => touch({ [name]: value })} />`;
  const isUntouched = touched.value === "" && walked.value > 0 && !isWalking.value;
  return html`<div class="neuron">
    <div class="left">
      <${Picture} here=${here} values=${values} onChange=${touch} glowing=${isUntouched && allows("input") ? "input" : ""} />
      <div class="row controls">
        ${allows("hold") && html`<button type="button" class="toggle" role="switch" aria-checked=${held} data-control="hold"
          onClick=${() => touch({ hold: !held, held: values.preactivation })}>
          <i aria-hidden="true"></i>${t("neuron.hold")} <b>${held ? t("neuron.hold.at", { z: values.preactivation }) : ""}</b></button>`}
        ${choice("activation", Object.keys(ACTIVATIONS))}${choice("rate", RATES)}
        <button type="button" class="quiet" onClick=${walk}>${t("neuron.walk")}</button>
      </div>
      <${Quizzes} onShow=${(/** @type {any} */ to) => slideTo(to, values.bias, touch)} isWaiting=${!isAsked.value} />
    </div>
    <div class="right">
      <${Formulas} values=${values} />
      <${Gears} here=${here} values=${values} />
      <${Curve} activation=${set.activation} values=${values} />
    </div>
  </div>`;
}

const icon = () => html`<svg viewBox="0 0 64 40" aria-hidden="true"><path d="M4 28 H24 M4 12 H24 M40 20 H60" /><circle cx="32" cy="20" r="9" /></svg>`;

const tasks = [
  { name: "equal", set: { hold: false }, controls: ["input"], isDone: (/** @type {any} */ here) => here.set.input === 1 },
  { name: "dry", set: { hold: false }, controls: ["input"], isDone: (/** @type {any} */ here) => here.set.input === 0 },
  { name: "deaf", set: { hold: false }, controls: ["bias"], isDone: (/** @type {any} */ here) => isSilent(valuesOf(here), here.set.activation) },
];

const slides = [
  { name: "hear", set: {} },
  { name: "pressure", set: { input: 4 } },
  { name: "same", set: { input: 1, hold: false } },
  { name: "dry", set: { input: 0, hold: false } },
  { name: "deaf", set: { bias: FAR, hold: false } },
];

export const room = {
  name: "neuron", controls, begin, advance, settle, draw, sentence, view: View, numbers, table, python, icon, tasks, slides, quizzes,
};
