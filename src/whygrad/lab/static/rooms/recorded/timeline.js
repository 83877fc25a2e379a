/** The time line: the loss over the run, the stops of the page on it, and the steps that are whole. */
import { html, useRef } from "../../vendor/preact.js";
import { number } from "../../numbers.js";
import { isNarrow } from "../../state.js";
import { t } from "../../words.js";
import { array, lossAt, run } from "./data.js";

const HEIGHT = 136;
const [TOP, BOTTOM, SIDE] = [10, 38, 12];
const WIDE_RANGE = 20; // highest over lowest loss, from which on the scale is one of logarithms
const FAR = 10; // stops that Page Up and Page Down go

/** Return what places steps and losses in the picture. @param {number} width */
function scales(width) {
  const { steps } = run();
  const all = array(run().loss, "values").filter(Number.isFinite);
  // the loss may go on behind the last step whose factors were recorded
  const known = array(run().loss, "steps", "u4");
  const [first, last] = [Math.min(steps[0], known[0] ?? Infinity), Math.max(steps[steps.length - 1], known[known.length - 1] ?? 0)];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const isLog = low > 0 && high / low > WIDE_RANGE;
  const rule = isLog ? Math.log : (/** @type {number} */ one) => one;
  const span = rule(high) - rule(low) || 1;
  return {
    x: (/** @type {number} */ step) => SIDE + ((step - first) / (last - first || 1)) * (width - 2 * SIDE),
    y: (/** @type {number} */ loss) => TOP + (1 - (rule(loss) - rule(low)) / span) * (HEIGHT - TOP - BOTTOM),
    first, last, low, high, isLog,
  };
}

/** Return the curve, of every column of pixels its lowest and its highest point.
 * @param {ReturnType<typeof scales>} at */
function curve({ x, y }) {
  const [steps, values] = [array(run().loss, "steps", "u4"), array(run().loss, "values")];
  const parts = [];
  let isDown = false; // the pen
  for (let i = 0; i < steps.length; ) {
    const column = Math.round(x(steps[i]));
    let [low, high, next] = [i, i, i];
    for (; next < steps.length && Math.round(x(steps[next])) === column; next++) {
      if (!(values[next] >= values[low])) low = next;
      if (!(values[next] <= values[high])) high = next;
    }
    for (const one of low === high ? [low] : [Math.min(low, high), Math.max(low, high)]) {
      const isNumber = Number.isFinite(values[one]);
      if (isNumber) parts.push(`${isDown ? "L" : "M"}${x(steps[one]).toFixed(1)} ${y(values[one]).toFixed(1)}`);
      isDown = isNumber;
    }
    i = next;
  }
  return parts.join("");
}

/** @param {{stop: number, onGo: (stop: number) => void}} props */
export function Timeline({ stop, onGo }) {
  const line = useRef(/** @type {any} */ (null));
  const { steps, whole } = run();
  const width = isNarrow.value ? 370 : 1200;
  const scale = scales(width);
  const step = steps[stop];
  const loss = lossAt(step);
  const toPointer = (/** @type {any} */ event) => {
    const box = line.current.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * width;
    let best = 0;
    for (let i = 1; i < steps.length; i++) if (Math.abs(scale.x(steps[i]) - x) < Math.abs(scale.x(steps[best]) - x)) best = i;
    if (best !== stop) onGo(best);
  };
  const onKeyDown = (/** @type {any} */ event) => {
    const by = /** @type {Record<string, number>} */ ({ ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: FAR, PageDown: -FAR, Home: -Infinity, End: Infinity })[event.key];
    if (by === undefined) return;
    event.preventDefault();
    onGo(Math.min(Math.max(stop + by, 0), steps.length - 1));
  };
  const lost = array(run().loss, "steps", "u4").filter((/** @type {number} */ _, /** @type {number} */ i) => !Number.isFinite(array(run().loss, "values")[i]));
  return html`<section class="timeline" aria-label=${t("recorded.timeline")}>
    <p class="now"><b>${t("recorded.at_step", { step: String(step) })}</b> <span>${t("recorded.loss", { loss: Number.isNaN(loss) ? t("recorded.not_finite") : loss })}</span></p>
    <div class="scrub" ref=${line} role="slider" tabindex="0" data-control="at" aria-label=${t("recorded.timeline")} aria-valuemin=${steps[0]} aria-valuemax=${steps[steps.length - 1]}
      aria-valuenow=${step} aria-valuetext=${t("recorded.at_step.loss", { step: String(step), loss: Number.isNaN(loss) ? t("recorded.not_finite") : loss })}
      onKeyDown=${onKeyDown} onPointerDown=${(/** @type {any} */ event) => { event.currentTarget.setPointerCapture(event.pointerId); toPointer(event); }}
      onPointerMove=${(/** @type {any} */ event) => event.buttons > 0 && toPointer(event)}>
      <svg viewBox="0 0 ${width} ${HEIGHT}" aria-hidden="true">
        <path class="axis" d=${`M${SIDE} ${HEIGHT - BOTTOM}H${width - SIDE}`} />
        <path class="curve" d=${curve(scale)} />
        ${[...lost].map((one) => html`<text class="lost" x=${scale.x(one)} y=${TOP + 4} text-anchor="middle">✕</text>`)}
        ${whole.map((/** @type {any} */ one) => html`<path class="whole" d=${`M${scale.x(one.step)} ${HEIGHT - BOTTOM + 3} l6 11 h-12 Z`} />`)}
        <path class="here" d=${`M${scale.x(step)} ${TOP - 6}V${HEIGHT - BOTTOM}`} />
        <circle class="here" cx=${scale.x(step)} cy=${Number.isFinite(loss) ? scale.y(loss) : TOP} r="6" />
        <text x=${SIDE} y=${HEIGHT - 4}>${scale.first}</text><text x=${width - SIDE} y=${HEIGHT - 4} text-anchor="end">${scale.last}</text>
      </svg>
    </div>
    ${whole.length > 0 && html`<div class="row wholes" role="group" aria-label=${t("recorded.whole_steps")}>
      <span>▲ ${t("recorded.whole_steps")}</span>
      ${whole.map((/** @type {any} */ one) => html`<button type="button" class="answer" aria-pressed=${one.step === step} onClick=${() => onGo(steps.indexOf(one.step))}>
        ${one.step}${["spike", "lost"].includes(one.why) && html` <small>${t(`recorded.why.${one.why}`)}</small>`}</button>`)}
    </div>`}
    <p class="scale-says">${t(scale.isLog ? "recorded.scale.log" : "recorded.scale", { low: number(scale.low), high: number(scale.high) })}</p>
  </section>`;
}
