/** The guess of the room: do biases of 0 do worse? */
import { comparisonOf } from "./training.js";

/** Which start ends lower, if the bands tell. @param {any} here */
function foundBetter({ run }) {
  const { zero, random, isOverlapping } = comparisonOf(run);
  const answer = isOverlapping ? "overlap" : zero.middle < random.middle ? "zero" : "random";
  return { answer, values: { zeroLow: zero.low, zeroHigh: zero.high, randomLow: random.low, randomHigh: random.high } };
}

export const quizzes = [{ name: "better", answers: ["zero", "random", "overlap"], set: {}, steps: 100, found: foundBetter }];
