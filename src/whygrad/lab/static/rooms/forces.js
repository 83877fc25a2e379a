/** Room 2, two forces: a neuron's δ is what its listeners ask of it, times how awake it is itself. */
import { html } from "../vendor/preact.js";
import { ACTIVATIONS } from "../engine.js";
import { allows } from "../guided.js";
import { asShown, equals } from "../numbers.js";
import { isPlaying } from "../player.js";
import { Quizzes } from "../quizzes.js";
import { Select } from "../select.js";
import { change, lookAt } from "../state.js";
import { t } from "../words.js";
import { FIRST, parsed } from "./forces/looking.js";
import { advance, begin, controls, draw, LAST, partsOf, place, PLAIN, QUIET, settle, valuesOf } from "./forces/net.js";
import { numbers, python, table } from "./forces/numbers.js";
import { ConnectionPanel, NeuronPanel } from "./forces/panel.js";
import { Picture } from "./forces/picture.js";
import { quizzes } from "./forces/quizzes.js";

const STRIKING = 3; // times louder, and times less to blame
const LEFT = 0.05; // of all that listeners ask: they cancel
const PASSED = 0.01; // of what listeners ask: next to nothing
const FLAT = 0.1; // of a slope that is 1 at best

/** Return a neuron of the same layer that says much more and is blamed much less. @param {any} values
 * @param {{l: number, k: number}} of */
function louder(values, { l, k }) {
  const size = (/** @type {"a" | "u"} */ what, /** @type {number} */ n) => Math.abs(values[what][l][n]);
  const found = values.a[l].findIndex((/** @type {number} */ _, /** @type {number} */ n) =>
    size("a", n) > STRIKING * size("a", k) && STRIKING * size("u", n) < size("u", k));
  return found < 0 ? undefined : found;
}

/** @param {any} values @param {{l: number, k: number}} of */
function isTorn(values, { l, k }) {
  const parts = partsOf(values, l, k);
  return parts.length > 1 && Math.abs(values.u[l][k]) < LEFT * parts.reduce((sum, { part }) => sum + Math.abs(part), 0);
}

/** @param {any} values @param {{l: number, k: number}} of */
const isAsleep = (values, { l, k }) => Math.abs(values.delta[l][k]) < PASSED * Math.abs(values.u[l][k]);

/** Return the one sentence that is true of what is on screen. @param {any} here @returns {[string, any]} */
function sentence(here) {
  const { set, step, look } = here;
  const values = valuesOf(here);
  if (step > 0) return ["forces.says.learnt", { step: String(step), steps: step, first: valuesOf({ run: begin(set), set }).loss, loss: values.loss }];
  const { looked, isPaths } = parsed(look);
  const { l, k } = looked;
  if (looked.j !== undefined) {
    const [a, delta] = [values.a[l - 1][looked.j], values.delta[l][k]];
    return ["forces.says.link", { from: place(l - 1, looked.j), to: place(l, k), a, delta, gradient: a * delta }];
  }
  const [u, slope, delta] = [values.u[l][k], values.slope[l][k], values.delta[l][k]];
  const told = { place: place(l, k), a: values.a[l][k], u, slope, delta };
  if (l === LAST) return ["forces.says.last", { ...told, y: values.y }];
  if (isPaths) return ["forces.says.paths", told];
  if (l === 0) return ["forces.says.input", told];
  const other = louder(values, { l, k });
  if (isTorn(values, { l, k })) return ["forces.says.torn", { ...told, size: partsOf(values, l, k).reduce((sum, { part }) => sum + Math.abs(part), 0) }];
  if (Math.abs(slope) < FLAT) return ["forces.says.flat", told];
  if (other !== undefined) return ["forces.says.quiet", { ...told, other: place(l, other), loud: values.a[l][other], less: values.u[l][other] }];
  return ["forces.says.both", { ...told, is: equals(delta, asShown(u) * asShown(slope)), count: values.a[l + 1].length, listeners: values.a[l + 1].length, next: place(l + 1) }];
}

const isLike = (/** @type {any} */ set, /** @type {any} */ preset) => Object.entries(preset).every(([name, value]) => set[name] === value);

/** @param {any} here */
function View(here) {
  const { set, step, look } = here;
  const values = valuesOf(here);
  const { name, looked, isPaths } = parsed(look);
  const touch = (/** @type {any} */ changes) => {
    isPlaying.value = false;
    change(changes);
  };
  const onLook = (/** @type {string} */ to) => lookAt(isPaths ? `${to}.paths` : to);
  const load = (/** @type {any} */ preset) => {
    touch(preset);
    lookAt(FIRST);
  };
  const preset = (/** @type {string} */ key, /** @type {any} */ of) =>
    html`<button type="button" class="answer" aria-pressed=${step === 0 && isLike(set, of)} data-preset=${key} onClick=${() => load(of)}>${t(`forces.preset.${key}`)}</button>`;
  return html`<div class="forces">
    <div class="network">
      <p class="caption">${t(!isPaths ? "forces.caption" : looked.j === undefined ? "forces.caption.paths" : "forces.caption.paths.link")}</p>
      <${Picture} values=${values} looked=${looked} name=${name} isPaths=${isPaths} onLook=${onLook} />
    </div>
    <div class="row controls">
        ${allows("paths") && html`<button type="button" class="toggle" role="switch" aria-checked=${isPaths} data-control="paths"
          onClick=${() => lookAt(isPaths ? name : `${name}.paths`)}><i aria-hidden="true"></i>${t("forces.follow")}</button>`}
        ${allows("preset") && html`<span class="row presets">${preset("plain", PLAIN)}${preset("quiet", QUIET)}</span>`}
        ${allows("activation") && html`<${Select} name="activation" label=${t("forces.activation")} value=${set.activation} of=${Object.keys(ACTIVATIONS)}
          onChange=${(/** @type {string} */ activation) => touch({ activation })} />`}
    </div>
    <${Quizzes} onShow=${touch} />
    <div class="panel-beside">
      ${looked.j === undefined
        ? html`<${NeuronPanel} values=${values} of=${looked} isPaths=${isPaths} onChange=${touch} />`
        : html`<${ConnectionPanel} values=${values} of=${looked} onChange=${touch} />`}
    </div>
  </div>`;
}

const icon = () => html`<svg viewBox="0 0 64 40" aria-hidden="true"><path d="M14 10 L32 6 M14 10 L32 20 M14 10 L32 34 M14 30 L32 6 M14 30 L32 20 M14 30 L32 34 M32 6 L50 20 M32 20 L50 20 M32 34 L50 20" />
  ${[[14, 10], [14, 30], [32, 6], [32, 20], [32, 34], [50, 20]].map(([x, y]) => html`<circle cx=${x} cy=${y} r="4.5" fill="var(--paper)" />`)}</svg>`;

const hidden = { l: 1, k: 0 };
const tasks = [
  { name: "blame", set: QUIET, look: "n11", controls: [], isDone: (/** @type {any} */ here) => parsed(here.look).name === "n10" },
  { name: "asleep", set: {}, look: FIRST, controls: ["b10"], isDone: (/** @type {any} */ here) => isAsleep(valuesOf(here), hidden) },
  { name: "torn", set: {}, look: "w200", controls: ["w200"], isDone: (/** @type {any} */ here) => isTorn(valuesOf(here), hidden) },
];

const slides = [
  { name: "forces", set: {}, look: FIRST },
  { name: "link", set: {}, look: "w200" },
  { name: "quiet", set: QUIET, look: "n10" },
  { name: "loud", set: QUIET, look: "n11" },
  { name: "torn", set: QUIET, look: "n12" },
  { name: "asleep", set: { b10: 3 }, look: FIRST },
];

export const room = {
  name: "forces", controls, look: FIRST, begin, advance, settle, draw, sentence, view: View, numbers, table, python, icon, tasks, slides, quizzes,
};
