/** The network: every layer a card with a strip for each factor, a bar for each neuron or group. */
import { html, useEffect, useRef } from "../../vendor/preact.js";
import { theme, isNarrow } from "../../state.js";
import { t } from "../../words.js";
import { ABSENT, FACTORS, groupsAt, groupSize, rangesOf, run } from "./data.js";

const [STRIP, GAP, LEAST] = [22, 5, 2]; // pixels: a strip's height, between two, the lowest bar
const WIDEST = 16;
export const TONES = ["orange", "green", "red", "purple"]; // the notes' for slope and input

/** Return where each bar of a card stands. @param {number} count @param {number} width */
function bars(count, width) {
  const each = Math.min(width / count, WIDEST);
  return { each, bar: Math.max(each - (each > 4 ? 1.5 : 0.5), 0.7) };
}

/** Draw the strips: a bar's height tells the size, marks tell what has none.
 * @param {HTMLCanvasElement} canvas @param {number} layer @param {number} stop @param {number} picked */
function draw(canvas, layer, stop, picked) {
  const box = canvas.getBoundingClientRect();
  const dense = devicePixelRatio || 1;
  [canvas.width, canvas.height] = [Math.round(box.width * dense), Math.round(box.height * dense)];
  const brush = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  brush.scale(dense, dense);
  const style = getComputedStyle(canvas);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`);
  const all = groupsAt(layer, stop);
  const ranges = rangesOf(layer);
  if (!all) return;
  const count = all.length / FACTORS.length;
  const { each, bar } = bars(count, box.width);
  FACTORS.forEach((_, f) => {
    const foot = f * (STRIP + GAP) + STRIP;
    const [low, high] = ranges[f];
    brush.fillStyle = colour("line");
    brush.fillRect(0, foot, each * count, 1);
    for (let k = 0; k < count; k++) {
      const [value, x] = [all[f * count + k], k * each];
      if (value === ABSENT) continue;
      if (value === 0) {
        brush.fillStyle = colour("ink"); // a hollow foot: nothing at all
        brush.fillRect(x, foot - 3, bar, 1);
        continue;
      }
      const isNumber = Number.isFinite(value);
      const share = isNumber ? (high > low ? (Math.log2(value) - low) / (high - low) : 0.5) : 1;
      const height = LEAST + Math.min(Math.max(share, 0), 1) * (STRIP - LEAST);
      brush.fillStyle = colour(isNumber ? TONES[f] : "ink");
      brush.fillRect(x, foot - height, bar, height);
      if (!isNumber) {
        brush.fillStyle = colour("paper");
        for (let y = foot - height + 2; y < foot; y += 4) brush.fillRect(x, y, bar, 1.5);
      }
    }
  });
  if (picked >= 0) {
    brush.strokeStyle = colour("ink");
    brush.strokeRect(picked * each - 1, 0.5, bar + 2, FACTORS.length * (STRIP + GAP) - GAP);
  }
}

/** @param {{layer: number, stop: number, isPicked: boolean, picked: number, onPick: (neuron?: number) => void}} props */
function Card({ layer, stop, isPicked, picked, onPick }) {
  const canvas = useRef(/** @type {any} */ (null));
  const one = run().layers[layer];
  const by = groupSize(layer);
  const dark = theme.value;
  useEffect(() => {
    draw(canvas.current, layer, stop, picked < 0 ? -1 : Math.floor(picked / by));
  }, [layer, stop, picked, dark, isNarrow.value]);
  const onClick = (/** @type {any} */ event) => {
    if (event.target !== canvas.current || event.detail === 0) return onPick();
    const box = canvas.current.getBoundingClientRect();
    const count = Math.ceil(one.neurons / by);
    const at = Math.floor((event.clientX - box.left) / bars(count, box.width).each);
    return onPick(at < count ? at * by : undefined);
  };
  return html`<button type="button" class="card" aria-pressed=${isPicked} onClick=${onClick} data-layer=${layer}>
    <span class="title"><b>${one.name}</b> <span>${t(by > 1 ? "recorded.card.grouped" : "recorded.card", { neurons: one.neurons, count: String(one.neurons), activation: one.activation, by: String(by) })}</span></span>
    <span class="strips" aria-hidden="true">
      <span class="labels">${FACTORS.map((name, f) => html`<span class="tone ${TONES[f]}">${t(`recorded.factor.${name}`)}</span>`)}</span>
      <canvas ref=${canvas} style=${`height: ${FACTORS.length * (STRIP + GAP)}px`}></canvas>
    </span>
  </button>`;
}

/** @param {{stop: number, layer: number, neuron: number, onPick: (layer: number, neuron?: number) => void}} props */
export function Network({ stop, layer, neuron, onPick }) {
  return html`<section class="network" aria-label=${t("recorded.network")}>
    <p class="caption">${t("recorded.network.says")}</p>
    ${run().layers.map((/** @type {any} */ _, /** @type {number} */ at) => html`<${Card} key=${at} layer=${at} stop=${stop} isPicked=${at === layer}
      picked=${at === layer ? neuron : -1} onPick=${(/** @type {number | undefined} */ one) => onPick(at, one)} />`)}
  </section>`;
}
