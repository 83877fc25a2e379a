/**
 * The tables where they belong: a sample runs straight through all of them, down where columns are
 * samples, across where rows are. What all samples share, W and b, stands beside them.
 */
import { html, signal, useLayoutEffect, useRef } from "../../vendor/preact.js";
import { isNarrow } from "../../state.js";
import { t } from "../../words.js";
import { inputs, isTrap, NEURONS } from "./layer.js";
import { Ghosts, stage } from "./motion.js";
import { Table } from "./tables.js";

const [GAP, BRACKET] = [54, 11]; // pixels between what is shared and the samples; of both brackets
const PADDING = 6; // of a cell
const MOST = 90; // of a cell: numbers that lie further apart are no row
const MOVED = 14; // what tables lie apart

/** Return the size of letters: many samples need smaller ones. @param {number} samples */
const sizeOf = (samples) => (isNarrow.value ? 14 : 16) - Math.min(Math.max(samples - 5, 0), 2);
const width = signal(780);

/** Return how wide a cell can be. @param {any} here */
function widthOf({ set: { layout, samples }, run }) {
  const shared = inputs() + run.bias[0].length;
  const fit = (/** @type {number} */ cells, /** @type {number} */ brackets, /** @type {number} */ gap) => (width.value - brackets * BRACKET - gap) / cells;
  if (!isNarrow.value) return layout === "columns" ? fit(shared + samples, 3, GAP) : fit(inputs() + 2 * NEURONS, 3, 2 * MOVED);
  return layout === "columns" ? Math.min(fit(samples, 1, 0), fit(Math.max(shared, 4), 2, MOVED)) : fit(inputs() + NEURONS, 2, MOVED);
}

const turned = html`<sup>T</sup>`;

/** @param {{here: any, values: Record<string, number>, sources: Set<string>, onChange: (changes: any) => void}} props */
export function Tables({ here, values, sources, onChange }) {
  const { set, run } = here;
  const box = useRef(/** @type {any} */ (null));
  useLayoutEffect(() => {
    const measure = () => (width.value = box.current?.clientWidth || width.value);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  const isColumns = set.layout === "columns";
  const size = isColumns ? sizeOf(set.samples) : sizeOf(0);
  const cell = Math.floor(Math.min(widthOf(here), MOST));
  const room = (cell - PADDING) / size;
  const name = (/** @type {any} */ symbol) => html`<var>${symbol}${!isColumns && turned}</var>`;
  const previous = html`<var class="red">A<sub>prev</sub>${!isColumns && turned}</var>`;
  const titles = /** @type {Record<string, any>} */ ({
    x: previous, w: name("W"), b: html`<var>b</var>`, y: name("Y"),
    z: isColumns ? html`${name("Z")} = W ${previous} + b` : html`${name("Z")} = ${previous} W${turned} + b`, a: html`${name("A")} = σ(Z${!isColumns && turned})`,
    d: html`${name("Δ")} = (A − Y)${!isColumns && turned} ⊙ <span class="green">σ′(Z${!isColumns && turned})</span>`,
    gb: html`<var>∂C/∂b</var>`, gw: html`<var>∂C/∂W${!isColumns && turned}</var>`, nb: html`<var>b − η ∂C/∂b</var>`,
  });
  // a narrow table has no room for a formula
  if (isNarrow.value && !isColumns) Object.assign(titles, { z: name("Z"), a: name("A"), d: name("Δ") });
  const table = (/** @type {string} */ sort, isWrong = false) => html`<${Table} key=${sort} sort=${sort} title=${titles[sort]} ...${{ here, values, room, sources, onChange, isWrong }} />`;
  const way = (/** @type {string} */ text, /** @type {string} */ arrow) => `${text} ${isColumns && !isNarrow.value ? arrow : "↓"}`;
  const isSquare = run.bias[0].length > 1;
  return html`<div class="tables ${isColumns ? "by-column" : "by-row"} ${isNarrow.value ? "narrow" : ""} now-${stage.value}" ref=${box} style=${{ "--cell": `${cell}px`, "--size": `${size}px` }}>
    <p class="how">${t("batch.hint")}</p>
    ${table("x")}${table("w")}${table("b", isSquare)}${table("z")}${table("a")}${table("y")}${table("d")}${table("gb")}${table("gw")}
    ${table("nb", isTrap(set))}
    <p class="way out" aria-hidden="true">${way(`× ${set.samples}`, "→")}</p>
    <p class="way back" aria-hidden="true">${way(set.divide === "mean" ? `Σ ÷ ${set.samples}` : "Σ", "←")}</p>
    <${Ghosts} />
  </div>`;
}
