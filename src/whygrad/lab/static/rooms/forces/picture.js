/** The picture of the network: what every neuron says, what error reaches it, and who is connected. */
import { html, useRef } from "../../vendor/preact.js";
import { number } from "../../numbers.js";
import { asks } from "../../number.js";
import { isNarrow } from "../../state.js";
import { t } from "../../words.js";
import { curve, NARROW_LAYOUT, pointOn, WIDE_LAYOUT } from "./layout.js";
import { isNear, nextOf } from "./looking.js";
import { CONNECTIONS, LAST, NEURONS, pathsOf, place } from "./net.js";

const WIDTH_OF_DIGIT = 0.7; // of its height, in bold
/** Return a size of letters at which a text stays as wide as its place. @param {string} text
 * @param {number} largest @param {number} room */
export const fitting = (text, largest, room) => Math.min(largest, room / (text.length * WIDTH_OF_DIGIT));

/** Return what of the blame runs along every connection, by its name: a sum over paths.
 * @param {any} values @param {{l: number, k: number}} from @param {number | undefined} only first of the listeners */
export function flows(values, { l, k }, only) {
  /** @type {Record<string, number>} */
  const found = {};
  if (l === LAST) return found;
  for (const { way, part } of pathsOf(values, l, k))
    if (only === undefined || way[1] === only)
      way.slice(1).forEach((to, i) => {
        const name = `w${l + i + 1}${way[i]}${to}`;
        found[name] = (found[name] ?? 0) + part;
      });
  return found;
}

/** @param {any} props */
function Neuron({ l, k, values, layout, looked, choose, select, state }) {
  const { x, y } = layout.at(l, k);
  const { width, height } = layout.box;
  const isSmall = !layout.isAcross;
  const a = number(values.a[l][k]);
  const delta = l > 0 ? number(values.delta[l][k]) : "";
  const label = t(l > 0 ? "forces.neuron" : "forces.input", { place: place(l, k), a, delta });
  return html`<g class="unit ${state} ${l === 0 ? "source" : ""}" role="radio" aria-checked=${looked} aria-label=${label} tabindex=${looked ? 0 : -1}
    data-look=${`n${l}${k}`} onClick=${() => choose(`n${l}${k}`)} onKeyDown=${select}>
    <rect class="body" x=${x - width / 2} y=${y - height / 2} width=${width} height=${height} rx="18" />
    <text class="output" x=${x} y=${y + (delta ? (isSmall ? -5 : -6) : 7)} text-anchor="middle" font-size=${fitting(a, isSmall ? 18 : 22, width - 12)}>${a}</text>
    ${delta && html`<text class="delta" x=${x} y=${y + (isSmall ? 19 : 22)} text-anchor="middle" font-size=${fitting(`δ ${delta}`, isSmall ? 15 : 17, width - 12)}>δ ${delta}</text>`}
    <text class="place" x=${x} y=${y - height / 2 - 7} text-anchor="middle">${place(l, k)}</text>
  </g>`;
}

/** @param {any} props */
function Connection({ l, j, k, values, layout, looked, choose, select, state, flow, most }) {
  const name = `w${l}${j}${k}`;
  const weight = values.weights[l][j][k];
  const path = curve(layout, layout.at(l - 1, j), layout.at(l, k));
  const size = flow === undefined ? 1.2 + 2.2 * Math.min(Math.abs(weight), 3) : 2 + (16 * Math.abs(flow)) / most;
  const sign = (flow ?? weight) < 0 ? "negative" : "positive";
  const label = t("forces.connection", { from: place(l - 1, j), to: place(l, k), weight, gradient: values.a[l - 1][j] * values.delta[l][k] });
  return html`<g class="link ${sign} ${state} ${flow === undefined ? "" : "flow"}" role="radio" aria-checked=${looked} aria-label=${label} tabindex=${looked ? 0 : -1}
    data-look=${name} onClick=${() => choose(name)} onKeyDown=${select}>
    <path class="hit" d=${path} /><path class="line" d=${path} stroke-width=${size} />
    ${flow !== undefined && html`<path class="moving" d=${path} />`}
  </g>`;
}

/** Numbers on the connections that matter now. @param {any} props */
function Labels({ values, layout, looked, flow, isPaths }) {
  return CONNECTIONS.filter(({ l, j, k }) => isNear(looked, { l, j, k })).map(({ l, j, k }) => {
    const name = `w${l}${j}${k}`;
    const value = isPaths ? flow[name] : values.weights[l][j][k];
    if (value === undefined) return null;
    const { x, y } = pointOn(layout, layout.at(l - 1, j), layout.at(l, k), layout.isAcross ? 0.5 : 0.55);
    return html`<text key=${name} class="weight ${value < 0 ? "negative" : "positive"}" font-size=${layout.isAcross ? 17 : 15} x=${x} y=${y + 5} text-anchor="middle">${number(value)}</text>`;
  });
}

/**
 * @param {{values: any, looked: {l: number, j?: number, k: number}, name: string, isPaths: boolean,
 *   onLook: (name: string) => void}} props
 */
export function Picture({ values, looked, name, isPaths, onLook }) {
  const layout = isNarrow.value ? NARROW_LAYOUT : WIDE_LAYOUT;
  const drawing = useRef(/** @type {any} */ (null));
  const select = (/** @type {any} */ event) => {
    const to = nextOf(name, event.key);
    if (!to) return;
    event.preventDefault();
    event.stopPropagation();
    onLook(to);
    requestAnimationFrame(() => drawing.current?.querySelector(`[data-look=${to}]`)?.focus({ preventScroll: true }));
  };
  const from = looked.j === undefined ? looked : { l: looked.l - 1, k: looked.j };
  const flow = isPaths ? flows(values, from, looked.j === undefined ? undefined : looked.k) : {};
  const most = Math.max(...Object.values(flow).map(Math.abs), 1e-300);
  const shared = { values, layout, choose: onLook, select };
  const stateOf = (/** @type {{l: number, j?: number, k: number}} */ one) => {
    if (isPaths) return "";
    return isNear(looked, one) ? "near" : "";
  };
  const loss = number(values.loss);
  const end = layout.at(LAST, 0);
  const { x, y } = layout.loss;
  const toLoss = layout.isAcross ? `M${end.x + layout.box.width / 2} ${end.y} H${x - 44}` : `M${end.x + layout.box.width / 2} ${end.y} H${x - 38}`;
  return html`<svg class="picture" ref=${drawing} viewBox=${layout.view.join(" ")} role="group" aria-label=${t("forces.picture")}>
    <path class="to-loss" d=${toLoss} />
    <g role="radiogroup" aria-label=${t("forces.choose")}>
      ${CONNECTIONS.map((one) => {
        const own = `w${one.l}${one.j}${one.k}`;
        return html`<${Connection} key=${own} ...${shared} ...${one} looked=${own === name} most=${most}
          state=${`${stateOf(one)} ${own === name ? "looked" : ""}`} flow=${isPaths ? flow[own] : undefined} />`;
      })}
      ${NEURONS.map((one) => {
        const own = `n${one.l}${one.k}`;
        return html`<${Neuron} key=${own} ...${shared} ...${one} looked=${own === name} state=${own === name ? "looked" : stateOf(one)} />`;
      })}
    </g>
    <g class="loss" ...${asks("C", t("number.shown", { symbol: "C", value: loss, name: t("forces.quantity.C") }))}>
      <circle cx=${x} cy=${y} r=${layout.isAcross ? 44 : 36} />
      <text class="place" x=${x} y=${y - 12} text-anchor="middle">C </text>
      <text class="output" x=${x} y=${y + 12} text-anchor="middle" font-size=${fitting(loss, 20, layout.isAcross ? 76 : 62)}>${loss}</text>
    </g>
    <${Labels} ...${shared} looked=${looked} flow=${flow} isPaths=${isPaths} />
  </svg>`;
}
