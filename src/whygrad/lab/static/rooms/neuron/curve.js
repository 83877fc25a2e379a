/** The activation and its slope, with the point where the neuron stands. Flat parts are shaded. */
import { html } from "../../vendor/preact.js";
import { ACTIVATIONS } from "../../engine.js";
import { number } from "../../numbers.js";
import { t } from "../../words.js";
import { isFlatAt, slopeAt } from "./chain.js";

const [WIDTH, HEIGHT, PAD] = [392, 168, 12];
const SPAN = 8; // z from -8 to 8
const POINTS = Array.from({ length: 161 }, (_, i) => -SPAN + (i * SPAN) / 80);

/** Return where a list holds: first and last place of each stretch. @param {boolean[]} holds */
function stretches(holds) {
  /** @type {[number, number][]} */
  const found = [];
  holds.forEach((is, i) => {
    if (is && holds[i - 1]) found[found.length - 1][1] = i;
    else if (is) found.push([i, i]);
  });
  return found;
}

/** @param {{activation: string, values: any}} props */
export function Curve({ activation, values }) {
  const { value } = ACTIVATIONS[activation];
  const slope = (/** @type {number} */ z) => slopeAt(activation, z);
  const all = POINTS.flatMap((z) => [value(z), slope(z)]);
  const [low, high] = [Math.max(Math.min(...all), -1.6), Math.min(Math.max(...all), 2)];
  const x = (/** @type {number} */ z) => ((z + SPAN) / (2 * SPAN)) * WIDTH;
  const y = (/** @type {number} */ v) => PAD + ((high - Math.min(Math.max(v, low - 0.2), high + 0.2)) / (high - low)) * (HEIGHT - 2 * PAD - 18);
  const line = (/** @type {(z: number) => number} */ f) => `M${POINTS.map((z) => `${x(z).toFixed(1)} ${y(f(z)).toFixed(1)}`).join(" L")}`;
  const flat = stretches(POINTS.map((z) => isFlatAt(activation, z)));
  const z = values.preactivation;
  const shown = Math.min(Math.max(z, -SPAN), SPAN);
  const run = 1.6;
  const isInside = Math.abs(z) <= SPAN;
  return html`<section class="curve">
    <p class="caption" id="curve-caption">${t(isInside ? "neuron.curve" : "neuron.curve.outside", { z: values.preactivation, slope: values.slope })}</p>
    <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-labelledby="curve-caption">
      ${flat.map(([from, to]) => html`<rect class="flat" x=${x(POINTS[from])} y="0" width=${x(POINTS[to]) - x(POINTS[from])} height=${HEIGHT - 18} />`)}
      <line class="axis" x1="0" x2=${WIDTH} y1=${y(0)} y2=${y(0)} />
      <path class="slope-line" d=${line(slope)} />
      <path class="value-line" d=${line(value)} />
      ${isInside && html`<path class="tangent" d=${`M${x(z - run)} ${y(values.output - run * values.slope)} L${x(z + run)} ${y(values.output + run * values.slope)}`} />`}
      <line class="at" x1=${x(shown)} x2=${x(shown)} y1="0" y2=${HEIGHT - 18} />
      <circle class="value-point" cx=${x(shown)} cy=${y(values.output)} r="6" />
      <circle class="slope-point" cx=${x(shown)} cy=${y(values.slope)} r="6" />
      <path class="value-line" d="M10 16 h26" /><text x="42" y="21">σ(z)</text>
      <path class="slope-line" d="M92 16 h26" /><text class="of-slope" x="124" y="21">σ′(z)</text>
      <text class="tick" x=${Math.min(Math.max(x(shown), 34), WIDTH - 34)} y=${HEIGHT - 3} text-anchor="middle">z = ${number(z)}</text>
    </svg>
  </section>`;
}
