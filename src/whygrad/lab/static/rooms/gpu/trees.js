/** Eight terms, drawn whole: as a staircase of seven sums, and as a tree of three rounds. */
import { html } from "../../vendor/preact.js";
import { number } from "../../numbers.js";
import { isNarrow } from "../../state.js";
import { t } from "../../words.js";

const WIDTH_OF_DIGIT = 0.64; // of its height

/** Where things stand: a phone has as many columns, and shorter numbers in them. */
const layoutOf = () => (isNarrow.value
  ? { width: 360, column: 45, box: 41, height: 24, digits: 2, size: 13, stair: 30, floor: 50 }
  : { width: 880, column: 110, box: 92, height: 28, digits: 4, size: 17, stair: 34, floor: 56 });

/** @param {any} props */
function Box({ value, x, y, layout, state }) {
  const { box, height, digits, size } = layout;
  const text = number(value, digits);
  return html`<g class="sum-box ${state}">
    <rect x=${x - box / 2} y=${y - height / 2} width=${box} height=${height} rx="6" />
    <text x=${x} y=${y + size * 0.35} text-anchor="middle" font-size=${Math.min(size, (box - 4) / (text.length * WIDTH_OF_DIGIT))}>${text}</text>
  </g>`;
}

/** Return a line from one box down to another. @param {any} layout @param {any[]} from @param {any[]} to */
const line = ({ height }, [x, y], [toX, toY]) => `M${x} ${y + height / 2} L${toX} ${toY - height / 2}`;

/** The queue: each sum waits for the one before. @param {any} props */
function Stairs({ counts, step, looked }) {
  const layout = layoutOf();
  const { column, stair, height, width } = layout;
  const { terms, queue, m } = counts;
  const x = (/** @type {number} */ i) => column * (i + 0.5);
  const y = (/** @type {number} */ row) => height / 2 + 2 + row * stair;
  const state = (/** @type {number} */ i) => `${i <= step ? "done" : "ahead"} ${i === step && i > 0 ? "now" : ""}`;
  return html`<svg class="stairs" viewBox=${`0 0 ${width} ${y(m - 1) + height / 2 + 2}`} role="img" aria-label=${t("gpu.picture.queue")}>
    ${queue.slice(1).map((/** @type {number} */ _, /** @type {number} */ k) => {
      const i = k + 1;
      const before = i === 1 ? [x(0), y(0)] : [x(i - 1), y(i - 1)];
      return html`<path key=${i} class="way ${state(i)} ${looked < i ? "looked" : ""}" d=${line(layout, before, [x(i), y(i)])} />
        <path class="way ${state(i)} ${looked === i ? "looked" : ""}" d=${line(layout, [x(i), y(0)], [x(i), y(i)])} />`;
    })}
    ${terms.map((/** @type {number} */ one, /** @type {number} */ i) => html`<${Box} key=${`t${i}`} value=${one} x=${x(i)} y=${y(0)} layout=${layout} state=${`term ${looked === i ? "looked" : ""}`} />`)}
    ${queue.slice(1).map((/** @type {number} */ sum, /** @type {number} */ k) => html`<${Box} key=${k} value=${sum} x=${x(k + 1)} y=${y(k + 1)} layout=${layout} state=${`${state(k + 1)} ${looked <= k + 1 ? "looked" : ""} ${k + 2 === m ? "last" : ""}`} />`)}
  </svg>`;
}

/** The tree: in every round, all that can be added at once. @param {any} props */
function Floors({ counts, step, looked }) {
  const layout = layoutOf();
  const { column, floor, height, width } = layout;
  const { tree, rounds } = counts;
  const x = (/** @type {number} */ i) => column * (i + 0.5);
  const y = (/** @type {number} */ row) => height / 2 + 2 + row * floor;
  const state = (/** @type {number} */ row) => (row === 0 ? "term" : `${row <= step ? "done" : "ahead"} ${row === step ? "now" : ""}`);
  /** Where the looked-at term is after a round. @type {Set<number>[]} */
  const holds = [new Set([looked])];
  for (const { kind, apart } of rounds) {
    const now = [...holds[holds.length - 1]];
    holds.push(new Set(kind === "cards" ? now.flatMap((i) => [i, i ^ apart]) : now.map((i) => i & ~apart)));
  }
  const links = rounds.flatMap((/** @type {any} */ { kind, apart }, /** @type {number} */ row) =>
    tree[row + 1].flatMap((/** @type {number} */ value, /** @type {number} */ i) => Number.isNaN(value) ? [] : [i, kind === "cards" ? i ^ apart : i + apart].map((from) => ({ row, from, to: i }))));
  return html`<svg class="floors" viewBox=${`0 0 ${width} ${y(tree.length - 1) + height / 2 + 2}`} role="img" aria-label=${t("gpu.picture.tree")}>
    ${links.map((/** @type {any} */ { row, from, to }) => html`<path key=${`${row} ${from} ${to}`} class="way ${state(row + 1)} ${holds[row].has(from) && holds[row + 1].has(to) ? "looked" : ""}" d=${line(layout, [x(from), y(row)], [x(to), y(row + 1)])} />`)}
    ${tree.flatMap((/** @type {number[]} */ values, /** @type {number} */ row) => values.map((value, i) => !Number.isNaN(value)
      && html`<${Box} key=${`${row} ${i}`} value=${value} x=${x(i)} y=${y(row)} layout=${layout} state=${`${state(row)} ${holds[row].has(i) ? "looked" : ""} ${row === rounds.length ? "last" : ""}`} />`))}
  </svg>`;
}

/** @param {{counts: any, step: number, looked: number}} props */
export function Trees(props) {
  const { m, rounds } = props.counts;
  return html`<div class="trees">
    <h2>${t("gpu.queue")} <span>${t("gpu.rounds_of", { rounds: m - 1 })}</span></h2>
    <${Stairs} ...${props} />
    <h2>${t("gpu.tree")} <span>${t("gpu.rounds_of", { rounds: rounds.length })}</span></h2>
    <${Floors} ...${props} />
  </div>`;
}
