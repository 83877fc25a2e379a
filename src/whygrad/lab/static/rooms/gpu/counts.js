/** What is counted: additions, rounds, the sum in float32 and how far it is off, in both orders. */
import { html } from "../../vendor/preact.js";
import { asks } from "../../number.js";
import { number } from "../../numbers.js";
import { t } from "../../words.js";
import { roundings } from "./sums.js";

/** A number that can be asked, in a table. @param {{name: string, value: number, title: string, digits?: number}} props */
export function Figure({ name, value, title, digits = 4 }) {
  const text = number(value, digits);
  return html`<span class="figure" ...${asks(name, t("number.is", { name: title, value: text }))}>${text}</span>`;
}

const ROWS = ["additions", "rounds", "sum", "error"];
const DIGITS = 8; // float32 has seven, and a little

/** @param {{counts: any}} props */
export function Counts({ counts }) {
  const { m, rounds, additions, inQueue, inTree, error } = counts;
  /** @type {Record<string, number[]>} */
  const values = { additions: [additions.queue, additions.tree], rounds: [m - 1, rounds.length], sum: [inQueue, inTree], error: [error.queue, error.tree] };
  const figure = (/** @type {string} */ row, /** @type {string} */ order, /** @type {number} */ i) =>
    html`<${Figure} name=${`${row}_${order}`} value=${values[row][i]} digits=${row === "sum" ? DIGITS : row === "error" ? 2 : 4} title=${t(`gpu.quantity.${row}`, { order: t(`gpu.order.${order}`) })} />`;
  return html`<table class="counts">
    <thead><tr><td></td><th scope="col">${t("gpu.order.queue")}</th><th scope="col">${t("gpu.order.tree")}</th></tr></thead>
    <tbody>${ROWS.map((row) => html`<tr key=${row} class=${row}><th scope="row">${t(`gpu.row.${row}`)}</th><td>${figure(row, "queue", 0)}</td><td>${figure(row, "tree", 1)}</td></tr>`)}</tbody>
  </table>`;
}

const KINDS = ["warp", "block", "card", "cards"];

/** Where the rounds of the tree take place. @param {{counts: any, step: number}} props */
export function Levels({ counts, step }) {
  const { rounds } = counts;
  const kinds = KINDS.map((kind) => ({ kind, of: rounds.filter((/** @type {any} */ one) => one.kind === kind) })).filter(({ of }) => of.length > 0);
  const now = step > 0 && step <= rounds.length ? rounds[step - 1].kind : "";
  return html`<ol class="levels" aria-label=${t("gpu.levels")}>
    ${kinds.map(({ kind, of }) => html`<li key=${kind} class=${kind === now ? "now" : ""} aria-current=${kind === now ? "step" : undefined}>
      <b>${of.length}</b><span>${t(`gpu.level.${kind}`, { rounds: of.length, parts: String(2 ** of.length) })}</span></li>`)}
  </ol>`;
}

/** What becomes of one term. @param {{counts: any, looked: number}} props */
export function Term({ counts, looked }) {
  const { m, terms } = counts;
  const { queue, tree } = roundings(m, looked);
  return html`<p class="one-term">δ<sub>${looked}</sub> = <${Figure} name=${`d${looked}`} value=${terms[looked]} title=${t("gpu.quantity.d", { i: String(looked) })} />
    <span>${t("gpu.rounded", { queue, tree, queues: String(queue), trees: String(tree) })}</span></p>`;
}
