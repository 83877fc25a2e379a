/** Guesses of the room: a neuron falls asleep, an input falls silent. */
import { number } from "../../numbers.js";
import { FIRST } from "./looking.js";
import { valuesOf } from "./net.js";

/** What becomes of hidden1[0] where its curve is flat. @param {any} here @param {any} before */
function foundAsleep(here, before) {
  const [now, then] = [valuesOf(here), valuesOf(before)];
  const [delta, first] = [now.delta[1][0], then.delta[1][0]];
  const share = Math.abs(delta / first);
  const answer = share > 1 ? "grows" : share < 0.1 ? "fades" : "shrinks";
  return { answer, values: { u: now.u[1][0], slope: now.slope[1][0], before: first, delta } };
}

/** Which gradients an input of 0 silences. @param {any} here */
function foundSilent(here) {
  const values = valuesOf(here);
  const [leaving, others] = [0, 1].map((j) => values.delta[1].map((/** @type {number} */ delta) => values.a[0][j] * delta));
  const isSilent = (/** @type {number[]} */ gradients) => gradients.every((one) => one === 0);
  const answer = isSilent(leaving) ? (isSilent(others) ? "reaching" : "leaving") : "none";
  return { answer, values: { leaving: leaving.map((one) => number(one)).join(", "), others: others.map((one) => number(one)).join(", ") } };
}

export const quizzes = [
  { name: "asleep", answers: ["grows", "shrinks", "fades"], set: { b10: 3 }, look: FIRST, found: foundAsleep },
  { name: "silent", answers: ["leaving", "reaching", "none"], set: { x0: 0 }, look: "w100", found: foundSilent },
];
