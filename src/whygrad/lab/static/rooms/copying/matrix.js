/** How much each two neurons differ: the more, the darker; nothing where they are the same. */
import { html, useEffect, useRef } from "../../vendor/preact.js";
import { theme } from "../../state.js";
import { number } from "../../numbers.js";
import { t } from "../../words.js";

const LEAST = -8; // powers of ten that are white, and black
const MOST = 0.5;

/** Return the largest difference between two neurons, in any weight or bias.
 * @param {import("../../engine.js").Network} of @param {number} j @param {number} k */
export function between({ layers: [hidden, output] }, j, k) {
  const { rows, columns, data } = hidden.weight;
  const bias = /** @type {any} */ (hidden.bias).data;
  let most = Math.max(Math.abs(bias[j] - bias[k]), Math.abs(output.weight.data[j] - output.weight.data[k]));
  for (let row = 0; row < rows; row++) most = Math.max(most, Math.abs(data[row * columns + j] - data[row * columns + k]));
  return most;
}

/** @param {{network: import("../../engine.js").Network, pair: number[], onChoose: (pair: number[]) => void}} props */
export function Matrix({ network, pair, onChoose }) {
  const canvas = useRef(/** @type {any} */ (null));
  const n = network.layers[0].weight.columns;
  void theme.value;
  useEffect(() => {
    const size = canvas.current.width;
    const context = canvas.current.getContext("2d");
    const style = getComputedStyle(document.documentElement);
    context.clearRect(0, 0, size, size);
    context.fillStyle = style.getPropertyValue("--ink");
    const side = size / n;
    for (let j = 0; j < n; j++)
      for (let k = 0; k < n; k++) {
        const size = between(network, j, k);
        context.globalAlpha = size === 0 ? 0.05 : Math.min(Math.max((Math.log10(size) - LEAST) / (MOST - LEAST), 0.12), 1);
        context.fillRect(k * side + 0.5, j * side + 0.5, side - 1, side - 1);
      }
    context.globalAlpha = 1;
    context.strokeStyle = style.getPropertyValue("--purple");
    context.lineWidth = 3;
    context.strokeRect(pair[1] * side, pair[0] * side, side, side);
  });
  const choose = (/** @type {any} */ event) => {
    const box = event.currentTarget.getBoundingClientRect();
    const at = (/** @type {number} */ share) => Math.min(Math.max(Math.floor(share * n), 0), n - 1);
    onChoose([at((event.clientY - box.top) / box.height), at((event.clientX - box.left) / box.width)]);
  };
  const pick = (/** @type {number} */ i) => html`<select value=${pair[i]} aria-label=${t(i ? "copying.second" : "copying.first")} data-pick=${i}
      onChange=${(/** @type {any} */ event) => onChoose(i ? [pair[0], Number(event.target.value)] : [Number(event.target.value), pair[1]])}>
    ${Array.from({ length: n }, (_, k) => html`<option value=${k}>${k + 1}</option>`)}</select>`;
  return html`<figure class="matrix">
    <figcaption>${t("copying.matrix")}</figcaption>
    <canvas ref=${canvas} width="256" height="256" aria-hidden="true" onClick=${choose}></canvas>
    <p class="row">${pick(0)}<span aria-hidden="true">↔</span>${pick(1)}<output>${number(between(network, pair[0], pair[1]))}</output></p>
  </figure>`;
}
