/** Many terms as threads: a row is a warp, rows that stand together a block, blocks a card. Both
 * orders side by side, as bars, so that a thousand of them are a few paths. */
import { html } from "../../vendor/preact.js";
import { isNarrow, lookAt } from "../../state.js";
import { t } from "../../words.js";
import { BLOCK, WARP } from "./sums.js";

const WIDTH = 416;
const HEIGHT = 400; // of all rows together, at most
const TALLEST = 56; // of a row
const BLOCK_GAP = 7;
/** A phone shows the same grid at two fifths: what is written there must be as large. */
const sizeOfText = () => (isNarrow.value ? 34 : 16);

/** Return where the cells stand. @param {number} m @param {number} cards */
function gridOf(m, cards) {
  const each = m / cards;
  const lanes = Math.min(WARP, each);
  const [warps, perBlock] = [m / lanes, Math.min(BLOCK, each) / lanes];
  const blocks = Math.ceil(warps / perBlock);
  const cardGap = cards > 1 ? sizeOfText() + 8 : 0;
  const tall = Math.min(TALLEST, (HEIGHT - blocks * BLOCK_GAP) / warps);
  const wide = WIDTH / Math.max(lanes, 8);
  const top = (/** @type {number} */ warp) =>
    warp * tall + Math.floor(warp / perBlock) * BLOCK_GAP + (Math.floor((warp * lanes) / each) + 1) * cardGap;
  return { lanes, warps, wide, tall, top, height: warps * tall + blocks * BLOCK_GAP + cards * cardGap, perCard: warps / cards };
}

const rect = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ w, /** @type {number} */ h) => `M${x.toFixed(1)} ${y.toFixed(1)}h${w.toFixed(1)}v${h.toFixed(1)}h${(-w).toFixed(1)}z`;

/** Return the paths of cells: what waits, holds a positive or a negative value, works now. Positive
 * bars stand, negative ones hang.
 * @param {any} grid @param {number} m @param {(i: number) => {value: number, isNow?: boolean, isIdle?: boolean}} cell
 * @param {number} most the value of a full bar */
function pathsOf({ lanes, wide, tall, top }, m, cell, most) {
  const found = { idle: "", positive: "", negative: "", now: "" };
  const gap = Math.min(wide, tall) > 8 ? 1 : 0.5;
  for (let i = 0; i < m; i += 1) {
    const { value, isNow, isIdle } = cell(i);
    const [x, y] = [(i % lanes) * wide, top(Math.floor(i / lanes))];
    const [w, h] = [wide - 2 * gap, tall - 2 * gap];
    found.idle += rect(x + gap, y + gap, w, h);
    if (!isIdle) {
      const size = Math.min(Math.max((Math.abs(value) / most) * h, 1.2), h);
      if (value < 0) found.negative += rect(x + gap, y + gap, w, size);
      else found.positive += rect(x + gap, y + gap + h - size, w, size);
    }
    if (isNow) found.now += rect(x + gap, y + gap, w, h);
  }
  return found;
}

/** @param {any} props */
function Grid({ name, counts, cell, most, looked, label }) {
  const { m, cards } = counts;
  const grid = gridOf(m, cards);
  const paths = pathsOf(grid, m, cell, most);
  const { lanes, wide, tall, top } = grid;
  const press = (/** @type {any} */ event) => {
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(event.currentTarget.getScreenCTM().inverse());
    const warp = Array.from({ length: grid.warps }, (_, i) => i).filter((i) => top(i) <= y).pop() ?? 0;
    lookAt(`t${warp * lanes + Math.min(Math.max(Math.floor(x / wide), 0), lanes - 1)}`);
  };
  return html`<svg class="grid" data-order=${name} viewBox=${`0 0 ${WIDTH} ${grid.height}`} role="img" aria-label=${label} onClick=${press}>
    <path class="cell idle" d=${paths.idle} /><path class="cell positive" d=${paths.positive} /><path class="cell negative" d=${paths.negative} /><path class="cell now" d=${paths.now} />
    ${cards > 1 && Array.from({ length: cards }, (_, card) => html`<text key=${card} font-size=${sizeOfText()} x="0" y=${top(card * grid.perCard) - 5}>${t("gpu.card", { card: String(card) })}</text>`)}
    <rect class="looked" x=${(looked % lanes) * wide - 1} y=${top(Math.floor(looked / lanes)) - 1} width=${wide + 2} height=${tall + 2} />
  </svg>`;
}

/** @param {{counts: any, step: number, looked: number}} props */
export function Threads({ counts, step, looked }) {
  const { m, terms, queue, tree, rounds } = counts;
  const at = Math.min(step, rounds.length);
  const round = rounds[at - 1];
  const inQueue = (/** @type {number} */ i) => ({
    value: i === Math.min(step, m - 1) && step > 0 ? queue[i] : terms[i], isIdle: i < step && i < m - 1, isNow: step > 0 && i === Math.min(step, m - 1),
  });
  const inTree = (/** @type {number} */ i) => ({ value: tree[at][i], isIdle: Number.isNaN(tree[at][i]), isNow: step > 0 && step <= rounds.length && Boolean(round) && !Number.isNaN(tree[at][i]) });
  const largest = (/** @type {number[]} */ values) => Math.max(...values.map((one) => Math.abs(one) || 0)) || 1;
  const left = { queue: m - Math.min(step, m - 1), tree: tree[at].filter((/** @type {number} */ one) => !Number.isNaN(one)).length };
  const labelOf = (/** @type {"queue" | "tree"} */ order, /** @type {number} */ cards) =>
    t(`gpu.grid.${order}`, { m: String(m), row: String(Math.min(WARP, m / cards)), left: String(left[order]), lefts: left[order] });
  return html`<div class="threads">
    <section><h2>${t("gpu.queue")} <span>${t("gpu.rounds_of", { rounds: m - 1 })}</span></h2>
      <${Grid} name="queue" counts=${{ ...counts, cards: 1 }} cell=${inQueue} most=${largest(terms)} looked=${looked} label=${labelOf("queue", 1)} /></section>
    <section><h2>${t("gpu.tree")} <span>${t("gpu.rounds_of", { rounds: rounds.length })}</span></h2>
      <${Grid} name="tree" counts=${counts} cell=${inTree} most=${largest(tree[at])} looked=${looked} label=${labelOf("tree", counts.cards)} /></section>
  </div>`;
}
