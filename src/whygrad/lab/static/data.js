/**
 * A table that somebody pasted, understood: separator, decimal comma, header. Pure, and text all along:
 * what a cell holds is never more than text or a number.
 *
 * @typedef {{head: string[] | null, cells: string[][], places: number[], separator: string, hasCommas: boolean}} Table
 *   head: names of the columns, where the first row is one; places: in which row of what was pasted each row stands
 */

/** What may stand between columns; of several that fit alike, the first.
 * @type {Record<string, string>} */
const SEPARATORS = { tab: "\t", semicolon: ";", comma: ",", blanks: " " };
export const LONGEST = 100_000; // letters: more than the cells of the largest table need

const NUMBER = /^[+\-\u2212]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const WITH_COMMA = /^[+\-\u2212]?\d*,\d+(e[+-]?\d+)?$/i;
const WITH_POINT = /^[^,]*\.[^,]*$/;

/** Return the number that a cell holds; NaN where it is none. @param {string} cell @param {boolean} [hasCommas] */
export function numberIn(cell, hasCommas = false) {
  const isOne = NUMBER.test(cell) ? !(hasCommas && cell.includes(".")) : hasCommas && WITH_COMMA.test(cell);
  return isOne ? Number(cell.replace("\u2212", "-").replace(",", ".")) : NaN;
}

/** Return what a text is understood as; null where there is nothing in it. @param {string} text @returns {Table | null} */
export function understood(text) {
  const plain = text.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n");
  const tries = Object.keys(SEPARATORS).map((separator) => tried(plain, separator));
  const best = tries.reduce((best, one) => (one.score > best.score ? one : best));
  const { rows, separator, hasCommas } = best;
  if (rows.length === 0) return null;
  const hasHead = rows.length > 1 && isHead(rows.map(({ cells }) => cells), hasCommas);
  const body = hasHead ? rows.slice(1) : rows;
  return { head: hasHead ? rows[0].cells : null, cells: body.map(({ cells }) => cells), places: body.map(({ place }) => place), separator, hasCommas };
}

/** @typedef {{cells: string[], place: number}} Row */

/** Return a text by one separator, and how well that fits: as many cells in every row as in the first
 * come first, then cells that are numbers. @param {string} text @param {string} separator */
function tried(text, separator) {
  const rows = withoutBlanks(split(text, SEPARATORS[separator]));
  const cells = rows.flatMap((row) => row.cells);
  const hasCommas = separator !== "comma" && cells.some((one) => WITH_COMMA.test(one)) && !cells.some((one) => NUMBER.test(one) && WITH_POINT.test(one));
  const width = rows[0]?.cells.length ?? 0;
  const even = rows.filter((row) => row.cells.length === width).length / rows.length;
  const numbers = cells.filter((one) => !Number.isNaN(numberIn(one, hasCommas))).length / cells.length;
  return { rows, separator, hasCommas, score: width > 1 ? 2 * even + numbers : 0 };
}

/** Return rows and columns without those in which nothing stands. @param {Row[]} rows */
function withoutBlanks(rows) {
  const filled = rows.filter(({ cells }) => cells.some((one) => one !== ""));
  const width = filled.reduce((most, { cells }) => Math.max(most, cells.length), 0);
  const isFilled = Array.from({ length: width }, (_, column) => filled.some(({ cells }) => (cells[column] ?? "") !== ""));
  return filled.map(({ cells, place }) => ({ place, cells: cells.filter((_, column) => isFilled[column]) }));
}

/** Split a text into rows of cells. A cell in quotes holds separators and line breaks, and `""` for a quote.
 * @param {string} text lines end in `\n` @param {string} separator @returns {Row[]} */
function split(text, separator) {
  const isBlank = separator === " ";
  const [gap, plain] = isBlank ? ["[ \t]+", "[^ \t\n]*"] : [separator, `[^${separator}\n]*`];
  const cell = new RegExp(`(?: *"((?:[^"]|"")*)" *|(${plain}))(${gap}|\n|$)`, "y");
  const whole = isBlank ? text.replace(/^[ \t]+|[ \t]+$/gm, "") : text;
  const rows = [];
  let [row, place] = [/** @type {Row} */ ({ cells: [], place: 1 }), 1];
  while (cell.lastIndex < whole.length) {
    const [all, quoted, bare, end] = /** @type {string[]} */ (cell.exec(whole));
    row.cells.push((quoted?.replaceAll('""', '"') ?? bare).trim());
    place += all.split("\n").length - 1;
    if (end === "\n" || end === "") {
      rows.push(row);
      row = { cells: [], place };
    }
  }
  return row.cells.length ? [...rows, { ...row, cells: [...row.cells, ""] }] : rows; // it ended in a separator
}

/** Whether the first row names the columns: no number stands in it where only numbers stand below.
 * @param {string[][]} rows @param {boolean} hasCommas */
function isHead([first, ...below], hasCommas) {
  const isNumber = (/** @type {string} */ cell) => !Number.isNaN(numberIn(cell ?? "", hasCommas));
  const columns = first.map((_, column) => column);
  const numeric = columns.filter((column) => below.every((cells) => isNumber(cells[column])));
  return (numeric.length ? numeric : columns).every((column) => !isNumber(first[column]));
}

/** Return the text of a file. Raises where it is no text in UTF-8. @param {ArrayBuffer} bytes */
export function decoded(bytes) {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  if (text.includes("\0")) throw new TypeError("binary");
  return text;
}
