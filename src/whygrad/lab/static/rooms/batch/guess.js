/** Guess first, then see: what becomes of b without keepdims? */
import { html, signal } from "../../vendor/preact.js";
import { t } from "../../words.js";
import { isTrap } from "./layer.js";

const ANSWERS = { column: "(3, 1)", row: "(3,)", table: "(3, 3)", error: "" };
const RIGHT = "table";
const guessed = signal("");

/** @param {{set: any, onChange: (changes: any) => void}} props */
export function Guess({ set, onChange }) {
  const guess = (/** @type {string} */ one) => {
    guessed.value = one;
    onChange({ layout: "columns", keepdims: false });
  };
  const verdict = guessed.value && isTrap(set) ? (guessed.value === RIGHT ? "right" : "wrong") : "";
  return html`<section class="predict" aria-labelledby="predict">
    <p id="predict">${t("batch.guess")}</p>
    <div class="row">${Object.entries(ANSWERS).map(([one, shape]) => html`<button type="button" class="answer" aria-pressed=${guessed.value === one} onClick=${() => guess(one)}>${shape || t("batch.guess.error")}</button>`)}</div>
    <p role="status" class="verdict">${verdict && t(`batch.guess.is_${verdict}`)}</p>
  </section>`;
}
