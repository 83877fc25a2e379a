/** Where the reader is: a stop of the run, and how far into the network; and what things are called. */
import { change, isCalm, isNarrow, set } from "../../state.js";
import { t } from "../../words.js";
import { factorsAt, FACTORS, groupSize, median, placeOf, run, stopAt, wholeAt } from "./data.js";

/** No layer is called so: the neuron that stands out most, wherever it is. */
export const TELLING = ".";
/** @type {{layer: string, neuron: number, ratio: number} | null} it is looked for once */
let telling = null;

export function lastWhole() {
  const { steps, whole } = run();
  return whole.length ? whole[whole.length - 1].step : steps[steps.length - 1];
}

/** Return the neuron with the smallest factor, measured by the median of its layer. */
export function mostTelling() {
  if (telling) return telling;
  let best = { layer: "", neuron: -1, ratio: Infinity };
  const stop = stopAt(lastWhole());
  run().layers.forEach((/** @type {any} */ layer, /** @type {number} */ place) => {
    const all = layer.neurons > 1 ? factorsAt(place, stop) : null;
    if (!all) return;
    FACTORS.forEach((_, f) => {
      const values = all.slice(f * layer.neurons, (f + 1) * layer.neurons);
      const middle = median(values);
      values.forEach((/** @type {number} */ one, /** @type {number} */ neuron) => {
        const ratio = one === 0 ? 0 : one / middle;
        if (one >= 0 && ratio < best.ratio) best = { layer: layer.name, neuron, ratio };
      });
    });
  });
  return (telling = best);
}

/** Return the controls with what stands out most in place of its mark. @param {any} set */
function resolved(set) {
  if (set.layer !== TELLING) return set;
  const { layer, neuron } = mostTelling();
  return { ...set, layer, neuron };
}

/**
 * @typedef {{stop: number, step: number, layer: number, neuron: number, weight: string, sample: number, group: number, whole: any}} Place
 *   `layer`, `neuron`, `sample`, `group` are -1 where none is picked; `weight` is an input, "bias", or ""
 */

/** Return where the controls stand, each only as far as there is something. @param {any} controls @returns {Place} */
export function placeIn(controls) {
  const set = resolved(controls);
  const layer = placeOf(set.layer);
  const of = layer < 0 ? null : run().layers[layer];
  const neuron = of && set.neuron < of.neurons ? set.neuron : -1;
  const isWeight = neuron >= 0 && ((set.weight === "bias" && of.bias !== null) || (/^\d{1,9}$/.test(set.weight) && Number(set.weight) < of.inputs));
  const stop = stopAt(set.at);
  const whole = layer < 0 ? null : wholeAt(layer, run().steps[stop]);
  const group = !of || groupSize(layer) === 1 ? -1 : neuron >= 0 ? Math.floor(neuron / groupSize(layer)) : set.group;
  return {
    stop, step: run().steps[stop], layer, neuron, weight: isWeight ? set.weight : "", whole, group,
    sample: whole?.rows && neuron >= 0 ? whole.rows.numbers.indexOf(set.sample) : -1,
  };
}

/** Go to a stop of the run; where the reader looks stays. @param {number} stop */
export const goTo = (stop) => change({ at: run().steps[stop] });

const layerAndNeuron = () => {
  const { layer, neuron } = resolved(set.value);
  return { layer, neuron };
};

/** Pick something; on a phone what is told of it stands below, so go there. @param {any} changes */
function pick(changes) {
  change({ ...layerAndNeuron(), ...changes });
  if (!isNarrow.value) return;
  requestAnimationFrame(() => document.querySelector(".recorded .detail")?.scrollIntoView({ block: "start", behavior: isCalm.value ? "auto" : "smooth" }));
}

const NONE = { neuron: -1, weight: "", sample: -1, group: -1 };
export const pickNothing = () => change({ ...NONE, layer: "" });
/** @param {number} layer @param {number} [neuron] */
export const pickLayer = (layer, neuron = -1) => pick({ ...NONE, layer: run().layers[layer].name, neuron });
/** @param {number} group */
export const pickGroup = (group) => pick({ ...NONE, group });
/** @param {number} neuron */
export const pickNeuron = (neuron) => pick({ ...NONE, neuron });
/** @param {string} weight */
export const pickWeight = (weight) => pick({ weight, sample: -1 });
/** @param {number} number a sample's row, or -1 */
export const pickSample = (number) => change({ ...layerAndNeuron(), sample: number });

/** Return what a layer's input is called: a feature, or a neuron of the previous layer.
 * @param {number} layer @param {string} weight */
export function inputName(layer, weight) {
  if (weight === "bias") return t("recorded.bias");
  const { below } = run().layers[layer];
  const name = layer === 0 && run().features ? run().features[Number(weight)] : undefined;
  return name ?? (below === null ? t("recorded.input", { input: weight }) : `${below}[${weight}]`);
}

/** Return how a sample is called: its row, and its target where the run tells it.
 * @param {any} rows @param {number} at */
export function sampleName(rows, at) {
  const [row, target] = [String(rows.numbers[at]), rows.targets[at]];
  return target === null ? t("recorded.sample", { row }) : t("recorded.sample.target", { row, target });
}
