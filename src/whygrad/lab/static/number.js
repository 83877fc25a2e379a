/**
 * Numbers that can be asked: where does it come from, and is it true? "Don't trust me" moves what a
 * number is the derivative by, up and down by 1e-5, and shows the difference that makes.
 *
 * @typedef {{of: any, by: any, at: number, probe: (by: number) => number, claim: number}} Check
 *   symbols of what changes and of what is moved, where that stands, what the first is there, and
 *   what the chain rule says the ratio of their changes is
 * @typedef {{value: number, symbol: any, title: string | [string, any], from?: any, says?: [string, any?],
 *   check?: Check, control?: string, digits?: number}} Told a number: `title` is a key, or one with its
 *   values; `from` what it comes from, as lines of `formulas` or as an element; `control` the one that
 *   sets it; `digits` those that it is shown with
 */
import { html, signal, useLayoutEffect, useRef } from "./vendor/preact.js";
import { formula, formulas } from "./formula.js";
import { allows } from "./guided.js";
import { asShown, equals, number } from "./numbers.js";
import { asked, change, here, room } from "./state.js";
import { t, told } from "./words.js";

export const NUDGE = 1e-5;
const EXACT = 12; // digits at least, where the fifth decides
const ALL = 17; // digits of a number: no two have the same
const isDoubted = signal(false);
/** @type {any} where the keyboard was before */
let before = null;

/** Ask a number, or let go of it. @param {string} name */
export function ask(name) {
  before = name && !asked.value ? document.activeElement : before;
  asked.value = name === asked.value ? "" : name;
  if (!asked.value) before?.focus?.({ preventScroll: true });
}

/** Return what makes an element in a drawing a button that asks a number.
 * @param {string} name @param {string} [label] where its text does not say what it is */
export function asks(name, label) {
  return {
    role: "button",
    tabindex: 0,
    "data-number": name,
    "aria-label": label,
    "aria-pressed": String(asked.value === name),
    onClick: () => ask(name),
    onKeyDown: (/** @type {any} */ event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      ask(name);
    },
  };
}

/** What a quantity is asked by where it stands in a formula under another name. */
const SAME = /** @type {Record<string, string>} */ ({ slopeLink: "slope", weightLink: "input", biasLink: "constant" });

/** Ask the number of a formula that was clicked. Each stands in the picture, too, where keys reach it.
 * @param {MouseEvent} event */
export function askInFormula(event) {
  const of = /** @type {Element} */ (event.target).closest("math [data-of]")?.getAttribute("data-of") ?? "";
  const name = SAME[of] ?? of;
  if (Object.hasOwn(room.value.numbers(here()), name) && name !== asked.value) ask(name);
}

/** Return the difference that two nudges make, divided by how far they are apart. @param {Check} check */
export function finiteDifference({ at, probe }) {
  const [above, below] = [probe(at + NUDGE), probe(at - NUDGE)];
  return { above, below, ratio: (above - below) / (at + NUDGE - (at - NUDGE)) };
}

/** Return the fewest digits of two numbers from which a calculator finds the ratio that is shown.
 * @param {number} above @param {number} below @param {number} ratio */
function digitsFor(above, below, ratio) {
  let digits = EXACT;
  while (digits < ALL && equals(ratio, (asShown(above, digits) - asShown(below, digits)) / (2 * NUDGE)) === "≈") digits += 1;
  return digits;
}

/** @param {{check: Check}} props */
function Doubt({ check }) {
  const { above, below, ratio } = finiteDifference(check);
  const digits = digitsFor(above, below, ratio);
  const apart = Math.abs(ratio - check.claim) / (Math.abs(check.claim) || 1);
  const nudged = (/** @type {string} */ sign) =>
    told("number.nudged", { of: formula([check.of]), by: formula([check.by, sign, html`<mn>1e-5</mn>`]) });
  return html`<div class="doubt">
    <dl>
      <dt>${nudged("+")}</dt><dd>${number(above, digits)}</dd>
      <dt>${nudged("−")}</dt><dd>${number(below, digits)}</dd>
      <dt>${t("number.ratio")}</dt><dd class="result" data-is="difference">${number(ratio)}</dd>
      <dt>${t("number.claim")}</dt><dd class="result">${number(check.claim)}</dd>
    </dl>
    <p>${t(check.claim === 0 ? "number.apart_by" : "number.apart", { apart: number(apart, 2) })}</p>
  </div>`;
}

/** @param {{name: string, value: number}} props */
function Typed({ name, value }) {
  const set = (/** @type {any} */ event) => change({ [name]: Number(event.target.value.replace("−", "-")) });
  const { least, most } = room.value.controls[name];
  return html`<label class="typed">${t("number.type", { least: number(least), most: number(most) })}
    <input type="text" inputmode="decimal" value=${String(value)} onChange=${set} /></label>`;
}

/** The card of the number that is asked; its numbers follow what is done to the picture. */
export function Asked() {
  const name = asked.value;
  const close = useRef(/** @type {any} */ (null));
  useLayoutEffect(() => {
    isDoubted.value = false;
    if (name && before) close.current?.focus({ preventScroll: true });
  }, [name]);
  const all = room.value.numbers(here());
  if (!Object.hasOwn(all, name)) return null; // none is asked, or the address names none
  const one = /** @type {Told} */ (all[name]);
  const title = typeof one.title === "string" ? t(one.title) : t(...one.title);
  return html`<div class="asked" role="dialog" aria-label=${title} data-asked=${name}>
    <button type="button" class="close" ref=${close} onClick=${() => ask("")} aria-label=${t("number.close")}>✕</button>
    <h2>${title}</h2>
    <p class="value">${formula([one.symbol, "=", html`<mn>${number(one.value, one.digits)}</mn>`])}</p>
    ${one.says && html`<p>${told(one.says[0], one.says[1])}</p>`}
    ${one.from && html`<div class="from"><h3>${t("number.from")}</h3>${Array.isArray(one.from) ? formulas(one.from, one.symbol, one.value) : one.from}</div>`}
    ${one.control && allows(one.control) && html`<${Typed} name=${one.control} value=${one.value} />`}
    ${one.check && !isDoubted.value && html`<button type="button" class="action" onClick=${() => (isDoubted.value = true)}>${t("number.doubt")}</button>`}
    ${one.check && isDoubted.value && html`<${Doubt} check=${one.check} />`}
  </div>`;
}
