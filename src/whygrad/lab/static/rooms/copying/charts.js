/** The curves of a run: loss, and how far neurons are apart. */
import { html } from "../../vendor/preact.js";
import { isNarrow } from "../../state.js";
import { number } from "../../numbers.js";
import { t } from "../../words.js";

const MARKS = 20; // along the trace of the one neuron
const LEAST = -16; // power of ten below which a difference is drawn as 0
const MOST = 2;

/** @param {{x: number, y: number}[]} points */
export const pathOf = (points) => points.map(({ x, y }, i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

/** Return the frame of a chart: as wide as there is room, its text always as large.
 * @param {number} height @param {number} steps */
export function frameOf(height, steps) {
  const width = isNarrow.value ? 360 : 560;
  const [left, right, top, bottom] = [46, 76, 12, 28];
  const x = (/** @type {number} */ step) => left + ((width - left - right) * step) / steps;
  const y = (/** @type {number} */ share) => top + (height - top - bottom) * (1 - share);
  return { width, height, x, y, left, right: width - right, top, bottom: height - bottom };
}

/** The axis of steps. @param {any} props */
export function Steps({ frame, steps }) {
  return html`<g class="axis"><line x1=${frame.left} x2=${frame.right} y1=${frame.bottom} y2=${frame.bottom} />
    ${[0, steps / 2, steps].map((step) => html`<text x=${frame.x(step)} y=${frame.bottom + 20} text-anchor="middle">${number(step)}</text>`)}</g>`;
}

/** @param {{curves: any[], steps: number, guess: number, showsOne: boolean}} props */
export function LossChart({ curves, steps, guess, showsOne }) {
  const frame = frameOf(isNarrow.value ? 190 : 236, steps);
  const finite = curves.map((one) => one.loss).filter(Number.isFinite);
  const most = Math.min(Math.max(guess * 1.15, ...finite) * 1.04, 8 * guess);
  const at = (/** @type {number} */ loss) => frame.y(Math.min(loss / most, 1));
  const points = curves.map((one, i) => ({ x: frame.x(i), y: at(one.loss) })).filter((one) => Number.isFinite(one.y));
  const last = points.at(-1) ?? { x: frame.left, y: frame.bottom };
  const loss = curves[curves.length - 1].loss;
  const every = steps / MARKS;
  return html`<svg class="chart" viewBox=${`0 0 ${frame.width} ${frame.height}`} role="img"
      aria-label=${t("copying.chart", { first: curves[0].loss, loss })}>
    <g class="axis">${[0, 1, 2, 3].map((i) => i * tick(most)).filter((value) => value <= most).map((value) => html`
      <line class="grid" x1=${frame.left} x2=${frame.right} y1=${at(value)} y2=${at(value)} />
      <text x=${frame.left - 8} y=${at(value) + 5} text-anchor="end">${number(value)}</text>`)}</g>
    <${Steps} frame=${frame} steps=${steps} />
    <line class="guess-line" x1=${frame.left} x2=${frame.right} y1=${at(guess)} y2=${at(guess)} />
    <path class="loss-line" d=${pathOf(points)} />
    ${showsOne && curves.map((one, i) => (i % every === 0 || i === curves.length - 1) && Number.isFinite(one.one) && html`<circle class="one-mark" cx=${frame.x(i)} cy=${at(one.one)} r="5.5" />`)}
    <circle class="now" cx=${last.x} cy=${last.y} r="4.5" />
    <text class="end" x=${Math.min(last.x + 12, frame.right + 6)} y=${Math.max(last.y - 9, 16)}>${number(loss)}</text>
    <text class="aside" x=${frame.right} y=${at(guess) + (last.x > frame.right - 90 && Math.abs(last.y - at(guess)) < 14 ? 22 : -7)} text-anchor="end">${t("copying.guessing")}</text>
  </svg>`;
}

/** Return a round distance between the marks of an axis. @param {number} most */
function tick(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return power * ([0.1, 0.2, 0.25, 0.5, 1, 2, 2.5].find((one) => most / (one * power) < 4) ?? 5);
}

/** How far neurons are apart, by powers of ten, with a place of its own for exactly 0.
 * @param {{curves: any[], steps: number}} props */
export function ApartChart({ curves, steps }) {
  const frame = frameOf(132, steps);
  const at = (/** @type {number} */ size) => (size < 10 ** LEAST ? frame.bottom : frame.y((Math.min(Math.log10(size), MOST) - LEAST + 2) / (MOST - LEAST + 2)));
  const points = curves.map((one, i) => ({ x: frame.x(i), y: at(one.apart) })).filter((one) => Number.isFinite(one.y));
  const last = points.at(-1) ?? { x: frame.left, y: frame.bottom };
  const { apart } = curves[curves.length - 1];
  return html`<svg class="chart" viewBox=${`0 0 ${frame.width} ${frame.height}`} role="img" aria-label=${t("copying.apart_chart", { apart })}>
    <g class="axis">${[0, -6, -12].map((power) => html`
      <line class="grid" x1=${frame.left} x2=${frame.right} y1=${at(10 ** power)} y2=${at(10 ** power)} />
      <text x=${frame.left - 8} y=${at(10 ** power) + 5} text-anchor="end">${number(10 ** power)}</text>`)}
      <text x=${frame.left - 8} y=${frame.bottom + 2} text-anchor="end">0</text></g>
    <${Steps} frame=${frame} steps=${steps} />
    <path class="apart-line" d=${pathOf(points)} />
    <circle class="now" cx=${last.x} cy=${last.y} r="4.5" />
    <text class="end" x=${Math.min(last.x + 12, frame.right + 6)} y=${Math.max(last.y - 8, 16)}>${number(apart)}</text>
  </svg>`;
}
