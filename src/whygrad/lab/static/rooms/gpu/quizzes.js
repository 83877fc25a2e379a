/** The guess of the room: how many rounds a tree takes. */
import { countsOf } from "./sums.js";

/** How many rounds the tree takes. @param {any} here */
function foundRounds({ set }) {
  const { rounds, additions, m } = countsOf(set);
  const [tree, queue] = [rounds.length, m - 1];
  return { answer: String(tree), values: { additions: String(additions.queue), counted: additions.queue, tree: String(tree), trees: tree, queue: String(queue) } };
}

export const quizzes = [{ name: "rounds", answers: ["10", "32", "512", "1023"], set: { power: 10, cards: "1" }, found: foundRounds }];
