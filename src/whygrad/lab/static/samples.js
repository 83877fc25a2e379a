/**
 * What a room learns from: a table with a target, checked, and as numbers. The twin of `lab/own.py`, which
 * checks the table of a scene by the same rules, in the same order, in the same words. Pure.
 *
 * @typedef {import("./data.js").Table} Table
 * @typedef {import("./engine.js").Matrix} Matrix
 * @typedef {[string, Record<string, any>]} Problem a sentence: its key, and its values
 * @typedef {{name: string, place: number, mean: number, spread: number, values: number[]}} Column
 *   name: empty where no header gave one; place: counted from 1; values: as they were given, classes as 0 and 1
 * @typedef {{kind: "classes" | "quantity", input: Matrix, target: Matrix}} Samples
 * @typedef {Samples & {columns: Column[], classes: string[], isStandard: boolean}} Own
 *   columns: the inputs, and the target last; classes: what is 0 and what is 1
 */
import { fromRows } from "./engine.js";
import { numberIn } from "./data.js";

export const MOST_ROWS = 200;
export const MOST_COLUMNS = 8;
const LARGEST = 1e15; // what training squares and multiplies stays finite
const ROUNDING = 1e-12; // of the largest number of a column
const LONGEST = 40; // letters of a cell that a sentence shows

/** Return what can be learnt from a table, or what stands against it.
 * @param {Table} table @param {{target?: number, isStandard?: boolean}} [how] target: a column, counted from 0; the last without it
 * @returns {{own?: Own, problem?: Problem}} */
export function learnable(table, how = {}) {
  const width = table.cells[0].length;
  const [target, isStandard] = [Math.min(how.target ?? Infinity, width - 1), how.isStandard ?? true];
  const problem = shapeProblem(table) ?? cellProblem(table, target);
  if (problem) return { problem };
  const inputs = Array.from({ length: width }, (_, column) => column).filter((column) => column !== target);
  const columns = inputs.map((column) => columnOf(table, column, numbersOf(table, column)));
  const told = targetOf(table, target);
  if ("problem" in told) return told;
  const { kind, classes, values } = told;
  columns.push(columnOf(table, target, values));
  const scaled = columns.map((one, i) => (isStandard && (i < inputs.length || kind === "quantity") ? standardised(one) : one.values));
  return { own: { kind, columns, classes, isStandard, input: sideBySide(scaled.slice(0, -1)), target: sideBySide(scaled.slice(-1)) } };
}

/** @param {Column} column */
const standardised = ({ values, mean, spread }) => values.map((value) => (value - mean) / spread);

/** Return columns as a matrix. @param {number[][]} columns */
const sideBySide = (columns) => fromRows(columns[0].map((_, row) => columns.map((values) => values[row])));

/** Return how a column is told of in a sentence: its number, and its name if it has one.
 * @param {Table} table @param {number} column */
function labelOf({ head }, column) {
  const name = shortened(head?.[column] ?? "");
  return name ? `${column + 1} (${name})` : String(column + 1);
}

/** @param {string} text */
const shortened = (text) => ([...text].length <= LONGEST ? text : `${[...text].slice(0, LONGEST).join("")}…`);

/** Return a count as a sentence takes it: as it is written, and for the form of a word. @param {number} count */
export const counted = (count) => ({ count: String(count), counted: count });

/** Return what is wrong with the size of a table. @param {Table} table @returns {Problem | null} */
function shapeProblem({ head, cells, places }) {
  const width = (head ?? cells[0]).length;
  if (width < 2) return ["data.problem.one_column", {}];
  const ragged = cells.findIndex((row) => row.length !== width);
  if (ragged >= 0) return ["data.problem.ragged", { row: String(places[ragged]), ...counted(cells[ragged].length), expected: String(width) }];
  if (width > MOST_COLUMNS) return ["data.problem.columns", { ...counted(width), most: String(MOST_COLUMNS) }];
  if (cells.length > MOST_ROWS) return ["data.problem.rows", { ...counted(cells.length), most: String(MOST_ROWS) }];
  return cells.length < 2 ? ["data.problem.few_rows", counted(cells.length)] : null;
}

/** Return what is wrong with the first cell of the inputs that is no number, or with a column that says nothing.
 * @param {Table} table @param {number} target @returns {Problem | null} */
function cellProblem(table, target) {
  for (const [i, row] of table.cells.entries())
    for (const [column, cell] of row.entries()) {
      const size = Math.abs(numberIn(cell, table.hasCommas));
      const where = { row: String(table.places[i]), column: labelOf(table, column), actual: shortened(cell) };
      if (cell === "") return ["data.problem.empty", where];
      if (column !== target && Number.isNaN(size)) return ["data.problem.no_number", where];
      if (size > LARGEST) return ["data.problem.too_large", { ...where, most: "1e15" }];
    }
  const constant = table.cells[0].findIndex((_, column) => column !== target && isConstant(numbersOf(table, column)));
  return constant < 0 ? null : constantProblem(table, constant);
}

/** @param {Table} table @param {number} column @returns {Problem} */
const constantProblem = (table, column) => ["data.problem.constant", { column: labelOf(table, column), actual: shortened(table.cells[0][column]) }];

/** Whether numbers differ by no more than rounding: their spread divides. @param {number[]} values */
function isConstant(values) {
  const size = values.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
  return spreadOf(values) <= ROUNDING * size;
}

/** @param {Table} table @param {number} column */
const numbersOf = ({ cells, hasCommas }, column) => cells.map((row) => numberIn(row[column], hasCommas));

/** Return what is to be told: two different values are classes, other numbers a quantity.
 * @param {Table} table @param {number} target
 * @returns {{kind: "classes" | "quantity", classes: string[], values: number[]} | {problem: Problem}} */
function targetOf(table, target) {
  const texts = table.cells.map((row) => row[target]);
  const numbers = numbersOf(table, target);
  const areNumbers = !numbers.some(Number.isNaN);
  const given = /** @type {(number | string)[]} */ (areNumbers ? numbers : texts);
  const distinct = [...new Set(given)].sort((one, other) => (one < other ? -1 : 1));
  const column = labelOf(table, target);
  if (distinct.length === 1) return { problem: ["data.problem.one_class", { column, actual: shortened(texts[0]) }] };
  if (distinct.length === 2)
    return { kind: "classes", classes: distinct.map((one) => shortened(texts[given.indexOf(one)])), values: given.map((one) => distinct.indexOf(one)) };
  if (areNumbers && isConstant(numbers)) return { problem: constantProblem(table, target) };
  if (areNumbers) return { kind: "quantity", classes: [], values: numbers };
  return { problem: ["data.problem.classes", { column, ...counted(distinct.length) }] };
}

/** @param {Table} table @param {number} column @param {number[]} values @returns {Column} */
function columnOf({ head }, column, values) {
  return { name: head?.[column] ?? "", place: column + 1, mean: meanOf(values), spread: spreadOf(values), values };
}

/** @param {number[]} values */
const meanOf = (values) => values.reduce((total, one) => total + one, 0) / values.length;

/** Return the standard deviation, as NumPy has it. @param {number[]} values */
function spreadOf(values) {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(values.map((one) => (one - mean) ** 2)));
}

/** Return why a room cannot learn from samples; null where it can. A room that takes samples says in `data`
 * of which kinds, and with how many inputs at most.
 * @param {{data?: {kinds: string[], inputs: number}}} room @param {Own} own @returns {Problem | null} */
export function misfit({ data }, own) {
  if (!data) return ["data.misfit.room", {}];
  if (!data.kinds.includes(own.kind)) return ["data.misfit.kind", {}];
  return own.input.columns > data.inputs ? ["data.misfit.inputs", { ...counted(own.input.columns), most: String(data.inputs) }] : null;
}

/** Return the table of a scene. @param {{head: string[] | null, rows: (number | string)[][]}} given @returns {Table} */
export function fromScene({ head, rows }) {
  return { head, cells: rows.map((row) => row.map((cell) => String(cell).trim())), places: rows.map((_, i) => i + 1), separator: "", hasCommas: false };
}

/** Return lines of Python that hold the samples: `x` and `y`, as the page learns from them. @param {Own} own */
export function asPython({ columns, classes, kind, isStandard }) {
  // a name is quoted as JSON does: whatever it holds, it stays in its comment
  const names = columns.map(({ name, place }) => JSON.stringify(name || `column ${place}`));
  const told = kind === "classes" ? ` (0 is ${JSON.stringify(classes[0])}, 1 is ${JSON.stringify(classes[1])})` : "";
  const rows = columns[0].values.map((_, row) => `    [${columns.map(({ values }) => values[row]).join(", ")}],`);
  const scaled = kind === "classes" ? ["x = (x - x.mean(axis=0)) / x.std(axis=0)"] : ["x = (x - x.mean(axis=0)) / x.std(axis=0)", "y = (y - y.mean()) / y.std()"];
  return `# ${names.join(", ")}${told}
table = np.array([
${rows.join("\n")}
], float)
x, y = table[:, :-1], table[:, -1:]
${isStandard ? `${scaled.join("\n")}\n` : ""}`;
}
