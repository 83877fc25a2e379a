/** Guesses of the room: what becomes of b without keepdims, and of a gradient without its 1/m. */
import { number } from "../../numbers.js";
import { valuesOf } from "./layer.js";
import { shapeOf } from "./tables.js";

/** What shape b has after a step. @param {any} here */
function foundShape(here) {
  const [b, gradient, after] = ["b", "gb", "nb"].map((sort) => shapeOf(sort, here));
  return { answer: after, values: { b, gradient, after } };
}

/** What a sum is of a mean. @param {any} here */
function foundSum(here) {
  const [sum, mean] = [here.set, { ...here.set, divide: "mean" }].map((set) => valuesOf({ ...here, set }).gb1);
  const ratio = sum / mean;
  return { answer: number(ratio) === "1" ? "same" : ratio > 1 ? "times" : "part", values: { sum, mean, ratio } };
}

export const quizzes = [
  { name: "shape", answers: ["(3, 1)", "(3,)", "(3, 3)", "error"], set: { layout: "columns", keepdims: false }, found: foundShape },
  { name: "sum", answers: ["same", "times", "part"], set: { divide: "sum", samples: 5 }, found: foundSum },
];
