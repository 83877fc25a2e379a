/** A list to choose from, with its name beside it. */
import { html } from "./vendor/preact.js";
import { number } from "./numbers.js";

/** @typedef {string | number} Option */

/** @param {{name: string, label: string, value: Option, of: Option[], onChange: (value: any) => void}} props
 *   `name` of the control; a value that is not among those offered stands before them */
export function Select({ name, label, value, of, onChange }) {
  const all = of.includes(value) ? of : [value, ...of];
  const choose = (/** @type {any} */ { target }) => onChange(typeof value === "number" ? Number(target.value) : target.value);
  return html`<label class="choice"><span>${label}</span><select value=${String(value)} data-control=${name} onChange=${choose}>
    ${all.map((one) => html`<option key=${one} value=${String(one)}>${typeof one === "number" ? number(one) : one}</option>`)}</select></label>`;
}
