/**
 * A slider in a drawing: a line with a handle that is dragged, or moved by the arrow keys. It is a
 * slider to whoever does not see it, too.
 */
import { html } from "./vendor/preact.js";
import { number } from "./numbers.js";

/** A scale on which every value has as much room as any other. @type {Scale}
 * @typedef {{place: (value: number, least: number, most: number) => number,
 *   value: (place: number, least: number, most: number) => number}} Scale */
export const EVEN = {
  place: (value, least, most) => (value - least) / (most - least),
  value: (place, least, most) => least + place * (most - least),
};

/** A scale from -most to most with more room near 0. @type {Scale} */
export const WIDE = {
  place: (value, _, most) => 0.5 + Math.asinh(value) / Math.asinh(most) / 2,
  value: (place, _, most) => Math.sinh((place - 0.5) * 2 * Math.asinh(most)),
};

/** Return a value without the dust of binary fractions. @param {number} value @param {number} step */
const snapped = (value, step) => Number((Math.round(value / step) * step).toFixed(6));

/**
 * @param {{name: string, label: string, value: number, least: number, most: number, x: number, y: number,
 *   length: number, onChange: (value: number) => void, step?: number, scale?: Scale, colour?: string,
 *   isGlowing?: boolean, hint?: string, text?: string}} props
 */
export function Slider({
  name, label, value, least, most, x, y, length, onChange, step = 0.1, scale = EVEN, colour = "", isGlowing = false, hint, text = number(value),
}) {
  const fine = (/** @type {number} */ at) => (scale === WIDE && Math.abs(at) > 3 ? step * 5 : step);
  const to = (/** @type {number} */ wanted, /** @type {number} */ grid) => {
    const next = Math.min(Math.max(snapped(wanted, grid), least), most);
    if (next !== value) onChange(next);
  };
  const drag = (/** @type {any} */ event) => {
    const inside = new DOMPoint(event.clientX, event.clientY).matrixTransform(event.currentTarget.getScreenCTM().inverse());
    const wanted = scale.value(Math.min(Math.max((inside.x - x) / length, 0), 1), least, most);
    to(wanted, fine(wanted));
  };
  const press = (/** @type {any} */ event) => {
    event.preventDefault();
    event.currentTarget.focus({ preventScroll: true });
    event.currentTarget.setPointerCapture(event.pointerId);
    drag(event);
  };
  const keys = (/** @type {any} */ event) => {
    const up = { ArrowRight: 1, ArrowUp: 1, PageUp: 10, ArrowLeft: -1, ArrowDown: -1, PageDown: -10 }[
      /** @type {string} */ (event.key)
    ];
    if (up !== undefined) to(value + up * fine(value), step);
    else if (event.key === "Home") to(least, step);
    else if (event.key === "End") to(most, step);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const at = x + scale.place(value, least, most) * length;
  const zero = x + scale.place(Math.min(Math.max(0, least), most), least, most) * length;
  return html`<g class="slider ${colour} ${isGlowing ? "glowing" : ""}" role="slider" tabindex="0" data-control=${name}
    aria-label=${label} aria-valuenow=${value} aria-valuemin=${least} aria-valuemax=${most}
    aria-valuetext=${text} onPointerDown=${press} onKeyDown=${keys}
    onPointerMove=${(/** @type {any} */ event) => event.currentTarget.hasPointerCapture(event.pointerId) && drag(event)}>
    <rect class="hit" x=${x - 14} y=${y - 22} width=${length + 28} height="44" rx="8" />
    <line class="track" x1=${x} x2=${x + length} y1=${y} y2=${y} />
    <line class="filled" x1=${zero} x2=${at} y1=${y} y2=${y} />
    <line class="zero" x1=${zero} x2=${zero} y1=${y - 5} y2=${y + 5} />
    ${isGlowing && html`<circle class="glow" cx=${at} cy=${y} r="13" />`}
    <circle class="handle" cx=${at} cy=${y} r="10" />
    ${hint && html`<text class="hint" x=${Math.min(Math.max(at, x + 24), x + length - 24)} y=${y + 32} text-anchor="middle">${hint}</text>`}
  </g>`;
}
