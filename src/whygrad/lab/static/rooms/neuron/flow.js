/**
 * One pass through the neuron, once: forward past every number, then back past every factor to the
 * fork. The numbers stand there before; the pulse only shows the way.
 */
import { html, signal, useEffect } from "../../vendor/preact.js";
import { isCalm } from "../../state.js";

const WAIT = 3000; // milliseconds before it starts by itself
const LEG = 950; // ... that it takes along one part of the way

/** The parts of the way: paths of the layout, whether they are walked backwards, what lights up at
 * the end. */
const LEGS = [
  { paths: ["pipes.input", "pipes.constant"], lit: ["input", "constant"], isBack: false },
  { paths: ["pipes.weightFlow", "pipes.bias"], lit: ["weight", "bias"], isBack: false },
  { paths: ["pipes.preactivation"], lit: ["preactivation"], isBack: false },
  { paths: ["pipes.output"], lit: ["output"], isBack: false },
  { paths: ["back.upstream"], lit: ["loss", "upstream"], isBack: true },
  { paths: ["back.slope"], lit: ["slope", "delta"], isBack: true },
  { paths: ["back.weight", "back.bias"], lit: ["weightGradient", "biasGradient"], isBack: true },
];
const END = LEGS.length + 1; // the last numbers stay lit for a while

/** Legs walked so far, with a fraction; below 0 before, beyond the end after. */
export const walked = signal(-1);
export const isWalking = signal(false);

/** Walk the way once more. */
export function walk() {
  walked.value = 0;
  isWalking.value = !isCalm.value;
}

/** End the walk: whoever touches the picture has seen enough. */
export function endWalk() {
  isWalking.value = false;
  walked.value = END;
}

/** Return whether the pulse is passing a number. @param {string} name */
export function isLit(name) {
  const leg = Math.floor(walked.value);
  const lit = leg >= LEGS.length ? LEGS[LEGS.length - 1].lit : LEGS[leg]?.lit;
  return isWalking.value && lit?.includes(name);
}

/** Walk by itself, a while after the page has opened. */
export function useWalk() {
  useEffect(() => {
    if (isCalm.value) endWalk();
    const first = setTimeout(() => walked.value < 0 && walk(), WAIT);
    return () => clearTimeout(first);
  }, []);
  const walking = isWalking.value;
  useEffect(() => {
    if (!walking) return;
    const start = performance.now() - walked.value * LEG;
    let frame = requestAnimationFrame(function tick(now) {
      walked.value = (now - start) / LEG;
      if (walked.value >= END) endWalk();
      else frame = requestAnimationFrame(tick);
    });
    return () => cancelAnimationFrame(frame);
  }, [walking]);
}

const measured = new Map();

/** Return a point of a path. @param {string} path @param {number} share of its length */
function pointOf(path, share) {
  if (!measured.has(path)) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", "path");
    element.setAttribute("d", path);
    measured.set(path, element);
  }
  const element = measured.get(path);
  return element.getPointAtLength(element.getTotalLength() * share);
}

/** @param {{layout: any}} props */
export function Pulse({ layout }) {
  const leg = LEGS[Math.floor(walked.value)];
  if (!isWalking.value || !leg) return null;
  const share = walked.value % 1;
  const smooth = share * share * (3 - 2 * share);
  return leg.paths.map((name) => {
    const [kind, part] = name.split(".");
    const { x, y } = pointOf(layout[kind][part], smooth);
    return html`<circle key=${name} class="pulse ${leg.isBack ? "back" : "forward"}" cx=${x} cy=${y} r="9" />`;
  });
}
