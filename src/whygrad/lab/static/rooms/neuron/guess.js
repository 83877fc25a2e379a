/** Guess first, then see: which gradients die when the bias goes far down? */
import { html, signal, useEffect } from "../../vendor/preact.js";
import { isCalm } from "../../state.js";
import { t, told } from "../../words.js";

const WAIT = 20_000; // milliseconds before the question is asked
export const FAR = -30;
const SLIDE = 1400; // milliseconds of the way there
const ANSWERS = ["weight", "bias", "both", "none"];
const RIGHT = "both";

const isAsked = signal(false);
const guessed = signal("");

/** Ask now: the reader has dragged something. */
export function askGuess() {
  isAsked.value = true;
}

/** @param {{values: any, onChange: (changes: any) => void, isFar: boolean}} props */
export function Guess({ values, onChange, isFar }) {
  useEffect(() => {
    const later = setTimeout(askGuess, isCalm.value ? 0 : WAIT);
    return () => clearTimeout(later);
  }, []);
  const answer = guessed.value;
  const guess = (/** @type {string} */ one) => {
    guessed.value = one;
    slideTo(FAR, values.bias, onChange);
  };
  const verdict = answer && isFar ? (answer === RIGHT ? "right" : "wrong") : "";
  return html`<section class="guess ${isAsked.value ? "asked-now" : ""}" aria-labelledby="guess">
    <p id="guess">${t("neuron.guess", { bias: FAR })}</p>
    <div class="row">${ANSWERS.map((one) => html`<button type="button" class="answer" aria-pressed=${answer === one} onClick=${() => guess(one)}>${told(`neuron.guess.${one}`)}</button>`)}</div>
    <p role="status" class="verdict">${verdict && told(`neuron.guess.is_${verdict}`, { slope: values.slope, weight: values.weightGradient, bias: values.biasGradient })}</p>
  </section>`;
}

/** Move the bias there before the reader's eyes. @param {number} to @param {number} from
 * @param {(changes: any) => void} onChange */
function slideTo(to, from, onChange) {
  if (isCalm.value) return onChange({ bias: to });
  const start = performance.now();
  requestAnimationFrame(function tick(now) {
    const share = Math.min((now - start) / SLIDE, 1);
    const place = Math.asinh(from) + (Math.asinh(to) - Math.asinh(from)) * share;
    onChange({ bias: share < 1 ? Math.round(Math.sinh(place) * 10) / 10 : to });
    if (share < 1) requestAnimationFrame(tick);
  });
}
