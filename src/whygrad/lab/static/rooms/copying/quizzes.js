/** Guesses of the room: what becomes of copies, and what of weights that start at 0. */
import { apart, effectiveWidth } from "../../engine.js";
import { movedOf } from "./training.js";

const GUESSED = 200; // steps

/** How many of the copies have become different. @param {any} here */
function foundAlike({ run, set }) {
  const { network } = run.state;
  const width = effectiveWidth(network).hidden1;
  const answer = width === 1 ? "one" : width === set.width ? "all" : "some";
  return { answer, values: { width: String(width), n: String(set.width), apart: apart(network).hidden1 } };
}

/** Which parts have moved. @param {any} here */
function foundMoved({ run }) {
  const moved = movedOf(run);
  const { weightsIn, biases, weightsOut, outputBias } = moved;
  const weights = weightsIn + weightsOut > 0;
  return { answer: weights ? "everything" : biases > 0 ? "biases" : outputBias > 0 ? "output" : "nothing", values: moved };
}

export const quizzes = [
  { name: "alike", answers: ["one", "some", "all"], set: { start: "constant", constant: 0.5, touch: -1 }, steps: GUESSED, found: foundAlike },
  { name: "zero", answers: ["everything", "biases", "output", "nothing"], set: { start: "constant", constant: 0, touch: -1 }, steps: GUESSED, found: foundMoved },
];
