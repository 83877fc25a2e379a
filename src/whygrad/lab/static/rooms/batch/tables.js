/**
 * Tables of numbers: each a grid with one tab stop, in which arrow keys walk. A number is asked by
 * a click or Enter; where it is a control it is dragged sideways, or moved by + and −.
 */
import { html, signal } from "../../vendor/preact.js";
import { allows } from "../../guided.js";
import { ask } from "../../number.js";
import { number } from "../../numbers.js";
import { asked } from "../../state.js";
import { t } from "../../words.js";
import { columnsOf, controlOf, nameOf, rowsOf, SORTS, upTo } from "./layer.js";
import { gradientOf, landed, stage } from "./motion.js";

/** What the pointer or the keyboard is at. */
export const pointed = signal("");
const stops = signal(/** @type {Record<string, string>} */ ({})); // the tab stop of each table
const [FAR, PIXELS] = [4, 6]; // to drag, and for each tenth
const MOST_DIGITS = 4;

/** Return the shape of a table as Python writes it. @param {string} sort @param {{set: any, run: any}} here */
export function shapeOf(sort, here) {
  const [rows, columns] = [rowsOf(sort), columnsOf(sort, here)];
  const isColumns = here.set.layout === "columns";
  if (SORTS[sort].columns !== "one") return isColumns ? `(${rows}, ${columns})` : `(${columns}, ${rows})`;
  if (!isColumns || (sort === "gb" && !here.set.keepdims)) return `(${rows},)`;
  return `(${rows}, ${columns})`;
}

/** Return names as they stand on screen, by rows. @param {string} sort @param {{set: any, run: any}} here */
export function laidOut(sort, here) {
  const [rows, columns] = [upTo(rowsOf(sort)), upTo(columnsOf(sort, here))];
  const isSquare = SORTS[sort].columns === "one" && columns.length > 1;
  const name = (/** @type {number} */ row, /** @type {number} */ column) => nameOf(sort, row, column, isSquare);
  return here.set.layout === "columns" ? rows.map((row) => columns.map((column) => name(row, column))) : columns.map((column) => rows.map((row) => name(row, column)));
}

/** How wide letters are, of their height, in the widest of our fonts. @type {Record<string, number>} */
const WIDTHS = { ".": 0.318, "\u2212": 0.838, e: 0.615 };

const SQUEEZED = 1.18; // rather smaller letters than fewer than
const FEW_DIGITS = 3;

/** Return a number with as many digits as there is room for. @param {number} value @param {number} room in heights of a letter */
function fitting(value, room) {
  if (Number.isNaN(value)) return "–";
  const texts = Array.from({ length: MOST_DIGITS }, (_, i) => number(value, MOST_DIGITS - i));
  const fits = (/** @type {string} */ text, /** @type {number} */ i) => widthOf(text) <= room * (MOST_DIGITS - i <= FEW_DIGITS ? SQUEEZED : 1);
  return texts.find(fits) ?? texts[MOST_DIGITS - 1];
}

/** @param {string} text */
const widthOf = (text) => [...text].reduce((total, one) => total + (WIDTHS[one] ?? 0.637), 0);

/** Whether a number has just arrived. @param {string} sort @param {number} sample */
function isArriving(sort, sample) {
  if (stage.value === "copy") return sort === "z" && sample <= landed.value;
  return stage.value === "add" && sort === "d" && sample <= landed.value;
}

let isDragged = false; // then the click that ends it asks nothing

/** @param {any} event @param {any} control @param {number} value @param {(to: number) => void} onChange */
function drag(event, control, value, onChange) {
  const cell = event.currentTarget;
  isDragged = false;
  const move = (/** @type {any} */ at) => {
    const far = at.clientX - event.clientX;
    if (!isDragged && Math.abs(far) < FAR) return;
    if (!isDragged) cell.setPointerCapture(event.pointerId);
    isDragged = true;
    onChange(within(control, value + Math.round(far / PIXELS) / 10));
  };
  const end = () => cell.removeEventListener("pointermove", move);
  cell.addEventListener("pointermove", move);
  for (const name of ["pointerup", "pointercancel"]) cell.addEventListener(name, end, { once: true });
}

/** @param {{least: number, most: number}} control @param {number} value */
const within = ({ least, most }, value) => Number(Math.min(Math.max(value, least), most).toFixed(6));

/**
 * @param {{sort: string, here: any, values: Record<string, number>, title: any, room: number, sources: Set<string>,
 *   onChange: (changes: any) => void, isWrong?: boolean}} props
 */
export function Table({ sort, here, values, title, room, sources, onChange, isWrong = false }) {
  const lines = laidOut(sort, here);
  const all = lines.flat();
  const stop = all.includes(stops.value[sort]) ? stops.value[sort] : all[0];
  const shape = shapeOf(sort, here);
  const movable = (/** @type {string} */ name) => (allows(name) ? controlOf(here, name) : undefined);
  const to = (/** @type {string} */ name, /** @type {number} */ value) => value !== values[name] && onChange({ [name]: value });
  const keys = (/** @type {any} */ event) => {
    const name = event.target.dataset.number;
    const [row, column] = [lines.findIndex((line) => line.includes(name)), (lines.find((line) => line.includes(name)) ?? []).indexOf(name)];
    const next = { ArrowUp: lines[row - 1]?.[column], ArrowDown: lines[row + 1]?.[column], ArrowLeft: lines[row]?.[column - 1], ArrowRight: lines[row]?.[column + 1], Home: lines[row]?.[0], End: lines[row]?.at(-1) };
    const by = { "+": 0.1, "=": 0.1, "-": -0.1, "−": -0.1 }[/** @type {string} */ (event.key)];
    const control = movable(name);
    if (event.key in next) event.currentTarget.querySelector(`[data-number="${next[/** @type {"Home"} */ (event.key)]}"]`)?.focus();
    else if (event.key === "Enter" || event.key === " ") ask(name);
    else if (by && control) to(name, within(control, values[name] + by));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const cell = (/** @type {string} */ name) => {
    const value = sort === "gb" ? gradientOf(values, Number(name.slice(2))) : values[name];
    const control = movable(name);
    const sample = Number(name.slice(-1));
    const text = fitting(value, room);
    const style = widthOf(text) > room ? { fontSize: `calc(var(--size) * ${(room / widthOf(text)).toFixed(3)})` } : undefined;
    const about = t("number.is", { name: t("batch.entry", { table: t(`batch.quantity.${sort}`), place: name.slice(sort.length) }), value: text });
    return html`<span key=${name} role="gridcell" class="cell ${control ? "control" : ""} ${sources.has(name) ? "source" : ""} ${pointed.value === name ? "pointed" : ""} ${isArriving(sort, sample) ? "arriving" : ""}"
      style=${style} data-number=${name} tabindex=${name === stop ? 0 : -1} aria-label=${about} title=${text === number(value) || Number.isNaN(value) ? undefined : number(value)} aria-selected=${asked.value === name}
      onClick=${() => (isDragged ? (isDragged = false) : ask(name))} onFocus=${() => ((stops.value = { ...stops.value, [sort]: name }), (pointed.value = name))}
      onPointerEnter=${(/** @type {any} */ event) => event.pointerType === "mouse" && (pointed.value = name)}
      onPointerDown=${control && ((/** @type {any} */ event) => drag(event, control, values[name], (value) => onChange({ [name]: value })))}>${text}</span>`;
  };
  return html`<div class="table of-${sort} ${isWrong ? "wrong" : ""}">
    <p class="title">${title} <span class="shape">${shape}</span></p>
    <div class="bracket" role="grid" aria-label=${`${t(`batch.quantity.${sort}`)} ${shape}`} onKeyDown=${keys}
      onPointerLeave=${() => (pointed.value = "")} onFocusOut=${() => (pointed.value = "")}>
      ${lines.map((line) => html`<div role="row" class="line">${line.map(cell)}</div>`)}
    </div>
  </div>`;
}
