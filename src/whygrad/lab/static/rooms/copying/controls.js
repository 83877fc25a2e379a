/** What is set: the big buttons, the constant, and what a network is made of. */
import { html } from "../../vendor/preact.js";
import { allows } from "../../guided.js";
import { number } from "../../numbers.js";
import { isPlaying } from "../../player.js";
import { Select } from "../../select.js";
import { Slider } from "../../slider.js";
import { change, go, step } from "../../state.js";
import { t } from "../../words.js";

export const ACTIVATIONS = ["tanh", "sigmoid", "relu"];
export const OPTIMIZERS = ["adam", "sgd"];
const RATES = [0.005, 0.01, 0.05, 0.1, 0.5];
const WIDTHS = [2, 4, 8, 16, 32, 64, 100];

/** The big buttons: what of a network starts how. */
const STARTS = /** @type {[string, any][]} */ ([
  ["zeros", { start: "constant", constant: 0 }], ["half", { start: "constant", constant: 0.5 }], ["ones", { start: "constant", constant: 1 }],
  ["random", { start: "random" }], ["biases", { start: "biases", constant: 0.5 }], ["out", { start: "out", constant: 0.5 }],
]);

/** Change what belongs to the run, and stay at the step. @param {any} changes */
export function stay(changes) {
  const at = step.value;
  isPlaying.value = false;
  change(changes);
  go(at);
}

/** @param {any} changes */
function restart(changes) {
  isPlaying.value = false;
  change(changes);
}

/** @param {{set: any}} props */
export function Starts({ set }) {
  if (!allows("start")) return null;
  const isOn = (/** @type {any} */ to) => Object.entries(to).every(([name, value]) => set[name] === value);
  return html`<div class="starts" role="group" aria-label=${t("copying.starts")}>
    ${STARTS.map(([name, to]) => html`<button type="button" class="answer" aria-pressed=${isOn(to)} data-start=${name}
      onClick=${() => restart({ touch: -1, ...to })}>${t(`copying.start.${name}`)}</button>`)}
    ${set.start !== "random" && allows("constant") && html`<svg class="constant" viewBox="0 0 250 44" role="group" aria-label=${t("copying.constant")}>
      <text x="0" y="28">w = ${number(set.constant)}</text>
      <${Slider} name="constant" label=${t("copying.constant")} value=${set.constant} least=${-3} most=${3} x=${108} y=${22} length=${120} step=${0.1}
        onChange=${(/** @type {number} */ constant) => restart({ constant, touch: -1 })} />
    </svg>`}
  </div>`;
}

/** @param {{set: any}} props */
export function Settings({ set }) {
  const choice = (/** @type {string} */ name, /** @type {any[]} */ of) =>
    allows(name) && html`<${Select} name=${name} label=${t(`copying.${name}`)} value=${set[name]} of=${of} onChange=${(/** @type {any} */ value) => restart({ touch: -1, [name]: value })} />`;
  return html`<div class="settings">${choice("width", WIDTHS)}${choice("activation", ACTIVATIONS)}${choice("optimizer", OPTIMIZERS)}${choice("rate", RATES)}</div>`;
}
