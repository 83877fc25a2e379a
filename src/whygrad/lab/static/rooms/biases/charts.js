/** The bands of both kinds, and where the neurons of one network stand. */
import { html } from "../../vendor/preact.js";
import { isNarrow } from "../../state.js";
import { number } from "../../numbers.js";
import { t } from "../../words.js";
import { frameOf, pathOf, Steps } from "../copying/charts.js";
import { arrows, cell } from "../copying/grid.js";
import { KINDS } from "./training.js";

/** Loss on a scale of powers of ten: all seeds of a kind lie in its band, half below its line.
 * @param {{bands: any[][], steps: number}} props */
export function Bands({ bands, steps }) {
  const frame = frameOf(isNarrow.value ? 250 : 270, steps);
  const lows = bands.flat().map(({ low }) => low).filter((low) => low > 0 && Number.isFinite(low));
  const highs = bands.flat().map(({ high }) => high).filter(Number.isFinite);
  const least = Math.floor(Math.log10(Math.min(0.01, ...lows)));
  const most = Math.ceil(Math.log10(Math.max(1, ...highs)));
  const at = (/** @type {number} */ loss) => frame.y((Math.log10(Math.max(loss, 10 ** least)) - least) / (most - least));
  const ends = bands.map((band) => at(band[band.length - 1].middle));
  const apart = Math.abs(ends[0] - ends[1]) < 20 ? (ends[0] <= ends[1] ? [-8, 14] : [14, -8]) : [5, 5];
  return html`<svg class="chart" viewBox=${`0 0 ${frame.width} ${frame.height}`} role="img"
      aria-label=${t("biases.chart", { zero: bands[0][bands[0].length - 1].middle, random: bands[1][bands[1].length - 1].middle })}>
    <defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch" width="2.2" height="7" /></pattern></defs>
    <g class="axis">${Array.from({ length: most - least + 1 }, (_, i) => 10 ** (least + i)).map((value) => html`
      <line class="grid" x1=${frame.left} x2=${frame.right} y1=${at(value)} y2=${at(value)} />
      <text x=${frame.left - 8} y=${at(value) + 5} text-anchor="end">${number(value)}</text>`)}</g>
    <${Steps} frame=${frame} steps=${steps} />
    ${KINDS.map((kind, i) => {
      const points = (/** @type {"low" | "middle" | "high"} */ which) => bands[i].map((one, step) => ({ x: frame.x(step), y: at(one[which]) })).filter(({ y }) => Number.isFinite(y));
      const last = points("middle").at(-1) ?? { x: frame.left, y: frame.bottom };
      return html`<g class="kind ${kind}">
        ${bands[i].length > 1 && html`<path class="band" d=${`${pathOf(points("high"))}${pathOf(points("low").reverse()).replace("M", "L")}Z`} />`}
        <path class="middle" d=${pathOf(points("middle"))} />
        <circle class="now" cx=${last.x} cy=${last.y} r="4.5" />
        <text class="end" x=${Math.min(last.x + 12, frame.right + 6)} y=${last.y + apart[i]}>${number(bands[i][bands[i].length - 1].middle, 3)}</text>
      </g>`;
    })}
  </svg>`;
}

const NEAREST = 0.5; // to which z reaches at least, from there on by doubling

/** Where z of every neuron stands, for the first sample: above with biases of 0, below with random ones.
 * @param {{received: number[][], chosen: number, onChoose: (k: number) => void}} props */
export function Strip({ received, chosen, onChoose }) {
  const width = isNarrow.value ? 360 : 560;
  const most = Math.max(...received.flat().map(Math.abs));
  const far = Number.isFinite(most) ? Math.max(NEAREST, 2 ** Math.ceil(Math.log2(most))) : NEAREST;
  const x = (/** @type {number} */ z) => width / 2 + (Math.min(Math.max(z / far, -1), 1) * (width - 44)) / 2;
  const n = received[0].length;
  return html`<svg class="strip-chart" viewBox=${`0 0 ${width} 136`} role="group" aria-label=${t("biases.strip")} onKeyDown=${(/** @type {any} */ event) => arrows(event, n)}>
    ${[-far / 2, 0, far / 2].map((z) => html`<line class="grid" x1=${x(z)} x2=${x(z)} y1="10" y2="112" /><text x=${x(z)} y="131" text-anchor="middle">${number(z)}</text>`)}
    ${KINDS.map((kind, i) => html`<g class="kind ${kind}">
      <text class="name" x="0" y=${i ? 74 : 16}>${t(`biases.kind.${kind}`)}</text>
      ${received[i].map((z, k) => {
        const choose = () => onChoose(k);
        return html`<g class="dot ${k === chosen ? "chosen" : ""}" role="button" aria-pressed=${String(k === chosen)} aria-label=${t("biases.dot", { k: String(k + 1), kind: t(`biases.kind.${kind}`), z })}
            onClick=${choose} onKeyDown=${(/** @type {any} */ event) => (event.key === "Enter" || event.key === " ") && (event.preventDefault(), choose())} ...${cell(i * n + k)}>
          <rect class="hit" x=${x(z) - 12} y=${i ? 80 : 22} width="24" height="30" />
          <circle cx=${x(z)} cy=${i ? 95 : 37} r=${k === chosen ? 9 : 6.5} /></g>`;
      })}</g>`)}
    <line class="between" x1=${x(received[0][chosen])} y1="46" x2=${x(received[1][chosen])} y2="86" />
  </svg>`;
}
