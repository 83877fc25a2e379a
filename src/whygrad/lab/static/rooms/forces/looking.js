/** What is looked at, as a text such as `n10` for hidden1[0], `w210` for a connection; `.paths` follows the blame. */
import { CONNECTIONS, NEURONS } from "./net.js";

/** Columns from left to right: inputs, connections, hidden1, …; one of them is looked at.
 * @type {string[][]} */
const COLUMNS = Array.from({ length: 7 }, (_, column) =>
  column % 2 === 0
    ? NEURONS.filter(({ l }) => l === column / 2).map(({ l, k }) => `n${l}${k}`)
    : CONNECTIONS.filter(({ l }) => l === (column + 1) / 2).map(({ l, j, k }) => `w${l}${j}${k}`),
);

export const FIRST = "n10";

/** Return what a text says; one that says nothing is where the room opens. @param {string} text */
export function parsed(text) {
  const [name, mode] = text.split(".");
  const known = columnOf(name) < 0 ? FIRST : name;
  const [l, ...rest] = [...known.slice(1)].map(Number);
  const looked = known[0] === "n" ? { l, k: rest[0] } : { l, j: rest[0], k: rest[1] };
  return { name: known, looked: /** @type {{l: number, j?: number, k: number}} */ (looked), isPaths: mode === "paths" };
}

/** @param {string} name */
export const columnOf = (name) => COLUMNS.findIndex((all) => all.includes(name));

/** Return what an arrow key leads to. @param {string} name @param {string} key */
export function nextOf(name, key) {
  const column = columnOf(name);
  const row = COLUMNS[column].indexOf(name);
  const along = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (along) return COLUMNS[column][row + along];
  const to = COLUMNS[column + ({ ArrowRight: 1, ArrowLeft: -1 }[key] ?? NaN)];
  return to?.[Math.min(Math.floor(((row + 0.5) / COLUMNS[column].length) * to.length), to.length - 1)];
}

/** Return whether something belongs to what is looked at: the listeners of a neuron and the ways to
 * them, both ends of a connection.
 * @param {{l: number, j?: number, k: number}} looked @param {{l: number, j?: number, k: number}} one */
export function isNear(looked, one) {
  const isNeuron = looked.j === undefined;
  if (one.j === undefined) return isNeuron ? one.l === looked.l + 1 : (one.l === looked.l && one.k === looked.k) || (one.l === looked.l - 1 && one.k === looked.j);
  return isNeuron ? one.l === looked.l + 1 && one.j === looked.k : one.l === looked.l && one.j === looked.j && one.k === looked.k;
}
