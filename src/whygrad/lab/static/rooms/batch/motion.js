/**
 * The batch in motion, once: copies of b go out to every sample, and the wishes of the samples come
 * back, one by one, into one sum. The numbers stand there before; this only shows the way.
 */
import { computed, html, signal, useEffect } from "../../vendor/preact.js";
import { isCalm } from "../../state.js";
import { NEURONS, upTo } from "./layer.js";

const WAIT = 3000; // milliseconds before it starts by itself
const [FLIGHT, APART, PAUSE, DIVIDED] = [700, 160, 700, 1400]; // of a copy, between copies, before the way back, at its end
const ADDED = FLIGHT + 150;

/** Milliseconds since it began; below 0 while nothing moves. */
const moment = signal(-1);
const samples = signal(0);
let hasMoved = false;

/** @typedef {{stage: "rest" | "copy" | "add" | "divide", landed: number, flying: {sample: number, share: number}[]}} Stage */

/** Return what happens at a moment. @param {number} at @param {number} count of samples @returns {Stage} */
function stageAt(at, count) {
  const back = at - (count - 1) * APART - FLIGHT - PAUSE;
  if (at < 0 || back >= count * ADDED + DIVIDED) return { stage: "rest", landed: count, flying: [] };
  if (back >= count * ADDED) return { stage: "divide", landed: count, flying: [] };
  if (back >= 0) {
    const [done, rest] = [Math.floor(back / ADDED), back % ADDED];
    const share = rest / FLIGHT;
    return { stage: "add", landed: share < 1 ? done : done + 1, flying: share < 1 ? [{ sample: done + 1, share }] : [] };
  }
  const shares = upTo(count).map((sample) => ({ sample, share: (at - (sample - 1) * APART) / FLIGHT }));
  return { stage: "copy", landed: shares.filter(({ share }) => share >= 1).length, flying: shares.filter(({ share }) => share > 0 && share < 1) };
}

const now = computed(() => stageAt(moment.value, samples.value));
export const stage = computed(() => now.value.stage);
export const landed = computed(() => now.value.landed);

/** Show the way once more. @param {number} count of samples */
export function watch(count) {
  samples.value = count;
  moment.value = 0;
}

/** Whoever touches the picture has seen enough. */
export function endMotion() {
  hasMoved = true;
  moment.value = -1;
}

/** Move by itself, a while after the room has opened. @param {number} count of samples */
export function useMotion(count) {
  useEffect(() => {
    const first = setTimeout(() => !isCalm.value && !hasMoved && watch(count), WAIT);
    return () => {
      clearTimeout(first);
      endMotion();
    };
  }, []);
  const isMoving = stage.value !== "rest";
  useEffect(() => {
    if (!isMoving) return;
    hasMoved = true;
    const start = performance.now() - moment.value;
    let frame = requestAnimationFrame(function tick(time) {
      moment.value = Math.max(time - start, 0);
      frame = requestAnimationFrame(tick);
    });
    return () => cancelAnimationFrame(frame);
  }, [isMoving]);
}

/** Return what a gradient of a bias shows: its running sum on the way.
 * @param {Record<string, number>} values @param {number} k */
export function gradientOf(values, k) {
  if (stage.value !== "add") return values[`gb${k}`];
  return upTo(landed.value).reduce((total, i) => total + values[`d${k}${i}`], 0);
}

/** @param {string} name */
const spotOf = (name) => /** @type {HTMLElement | null} */ (document.querySelector(`.tables [data-number=${name}]`));

/** The numbers that are on their way. */
export function Ghosts() {
  if (isCalm.value) return null;
  const { stage, flying } = now.value;
  const isOut = stage === "copy";
  return flying.flatMap(({ sample, share }) => upTo(NEURONS).map((k) => {
    const [from, to] = isOut ? [`b${k}`, `z${k}${sample}`] : [`d${k}${sample}`, `gb${k}`];
    const [begin, end] = [spotOf(from), spotOf(to)];
    if (!begin || !end) return null;
    const smooth = share * share * (3 - 2 * share);
    const on = (/** @type {number} */ a, /** @type {number} */ b) => a + (b - a) * smooth;
    const style = {
      width: `${begin.offsetWidth}px`, height: `${begin.offsetHeight}px`,
      transform: `translate(${on(begin.offsetLeft, end.offsetLeft).toFixed(1)}px, ${on(begin.offsetTop, end.offsetTop).toFixed(1)}px)`,
    };
    return html`<span key=${`${from}${to}`} class="ghost ${isOut ? "out" : "back"}" style=${style} aria-hidden="true">${begin.textContent}</span>`;
  }));
}
