/** Guesses of the room: which gradients die far down, and which follow an input while z is held. */
import { signal, useEffect } from "../../vendor/preact.js";
import { number } from "../../numbers.js";
import { isCalm } from "../../state.js";
import { valuesOf } from "./chain.js";

const WAIT = 20_000; // milliseconds before the first question is asked
export const FAR = -30;
const SLIDE = 1400; // milliseconds of the way there
const ANSWERS = ["weight", "bias", "both", "none"];
const DEAD = 1e-6; // of a gradient: it moves nothing that an eye could see

/** Whether the first question is asked. */
export const isAsked = signal(false);

/** Ask now: the reader has dragged something. */
export function askGuess() {
  isAsked.value = true;
}

/** Ask by itself, after a while. */
export function useQuestion() {
  useEffect(() => {
    const later = setTimeout(askGuess, isCalm.value ? 0 : WAIT);
    return () => clearTimeout(later);
  }, []);
}

/** @param {boolean} isWeight @param {boolean} isBias */
const answerOf = (isWeight, isBias) => (isWeight ? (isBias ? "both" : "weight") : isBias ? "bias" : "none");

export const quizzes = [
  {
    name: "die", answers: ANSWERS, set: { bias: FAR, hold: false },
    found: (/** @type {any} */ here) => {
      const { slope, weightGradient: weight, biasGradient: bias } = valuesOf(here);
      return { answer: answerOf(Math.abs(weight) < DEAD, Math.abs(bias) < DEAD), values: { slope, weight, bias } };
    },
  },
  {
    name: "held", answers: ANSWERS, set: { hold: true, input: 4 },
    found: (/** @type {any} */ here, /** @type {any} */ before) => {
      const [now, then] = [valuesOf(here), valuesOf(before)];
      const values = { delta: now.delta, weight: now.weightGradient, weightBefore: then.weightGradient, bias: now.biasGradient, biasBefore: then.biasGradient };
      return { answer: answerOf(number(values.weight) !== number(values.weightBefore), number(values.bias) !== number(values.biasBefore)), values };
    },
  },
];

/** Move the bias to an experiment before the reader's eyes. @param {any} to @param {number} from
 * @param {(changes: any) => void} onChange */
export function slideTo(to, from, onChange) {
  if (isCalm.value || to.bias === from) return onChange(to);
  const start = performance.now();
  requestAnimationFrame(function tick(now) {
    const share = Math.min((now - start) / SLIDE, 1);
    const place = Math.asinh(from) + (Math.asinh(to.bias) - Math.asinh(from)) * share;
    onChange({ ...to, bias: share < 1 ? Math.round(Math.sinh(place) * 10) / 10 : to.bias });
    if (share < 1) requestAnimationFrame(tick);
  });
}
