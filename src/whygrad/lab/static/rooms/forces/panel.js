/** What is looked at, taken apart: a neuron's δ as the sum of its listeners times its slope, a
 * connection's gradient as an area. */
import { html } from "../../vendor/preact.js";
import { figure, formula } from "../../formula.js";
import { allows } from "../../guided.js";
import { asks } from "../../number.js";
import { asShown, equals, number } from "../../numbers.js";
import { Slider } from "../../slider.js";
import { t } from "../../words.js";
import { controls, LAST, partsOf, pathsOf, place } from "./net.js";
import { pathName, symbols as S, wayOf } from "./numbers.js";
import { fitting } from "./picture.js";

const WIDTH = 400;
const ROW = 54;
const TALL = 116; // of the area of the largest δ of a layer

/** A number that can be asked. @param {any} props */
function Value({ name, title, value, x, y, size = 18, room = 84, colour = "", anchor = "end", prefix = "" }) {
  const text = `${prefix}${number(value)}`;
  const left = anchor === "end" ? x - room : anchor === "middle" ? x - room / 2 : x;
  return html`<g class="ask ${colour}" ...${asks(name, t("number.is", { name: title, value: number(value) }))}>
    <rect class="hit" x=${left - 3} y=${y - size - 3} width=${room + 6} height=${size + 12} rx="7" />
    <text x=${x} y=${y} text-anchor=${anchor} font-size=${fitting(text, size, room)}>${text}</text>
  </g>`;
}

/** A bar from one value to another. @param {any} props */
function Bar({ from, to, y, scale, kind = "" }) {
  const sign = to < from ? "negative" : "positive";
  const [left, right] = [scale(Math.min(from, to)), scale(Math.max(from, to))];
  return html`<rect class="bar ${sign} ${kind}" x=${left} width=${Math.max(right - left, 1.5)} y=${y} height="17" rx="2" />
    <line class="zero" x1=${scale(0)} x2=${scale(0)} y1=${y - 4} y2=${y + 21} />`;
}

/** Return the rows of the sum: its listeners, or the ways to the loss. @param {any} values
 * @param {{l: number, k: number}} of @param {boolean} isPaths */
function rowsOf(values, { l, k }, isPaths) {
  if (l === LAST) return [{ label: t("forces.loss_asks"), text: `${number(values.a[l][k])} − ${bracketed(values.y)}`, part: values.u[l][k], name: `u${l}${k}`, title: t("forces.quantity.u", { place: place(l, k) }), sign: equals(values.u[l][k], asShown(values.a[l][k]) - asShown(values.y)) }];
  if (isPaths) {
    return pathsOf(values, l, k).map(({ way, part }) => ({
      label: way.slice(1).map((to, i) => place(l + i + 1, to)).join(" → "), title: t("forces.quantity.path", { way: wayOf(l, way) }), text: "", part, name: pathName(l, way), sign: "",
    }));
  }
  return partsOf(values, l, k).map(({ k: to, weight, delta, part }) => ({
    label: place(l + 1, to), title: t("forces.quantity.p", { place: place(l, k), to: place(l + 1, to) }), text: `${number(weight)} × ${bracketed(delta)}`, part, name: `p${to}${l}${k}`, sign: signOf([weight, delta], part),
  }));
}

/** @param {number} value @param {number} [digits] */
const bracketed = (value, digits) => (value < 0 ? `(${number(value, digits)})` : number(value, digits));

/** Return the sign between a value and the product that it is of. @param {number[]} factors @param {number} value */
const signOf = (factors, value) => equals(value, factors.reduce((total, one) => total * asShown(one), 1));

/** @param {{values: any, of: {l: number, k: number}, isPaths: boolean}} props */
function Sum({ values, of, isPaths }) {
  const { l, k } = of;
  const rows = rowsOf(values, of, isPaths);
  let total = 0;
  const steps = rows.map(({ part }) => ({ from: total, to: (total += part) }));
  const delta = l > 0 ? values.delta[l][k] : 0;
  const all = [0, delta, ...steps.map(({ to }) => to)];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const scale = (/** @type {number} */ value) => 2 + ((value - low) / (high - low || 1)) * (WIDTH - 4);
  const end = rows.length * ROW;
  const at = { place: place(l, k) };
  const height = end + (l > 0 ? 3 : 1) * ROW - 6;
  return html`<svg class="sum" viewBox=${`0 0 ${WIDTH} ${height}`} role="group" aria-label=${t("forces.sum_of", at)}>
    ${rows.map(({ label, title, text, part, name, sign }, i) => html`<g key=${label}>
      <text class="label" x="0" y=${i * ROW + 16} font-size=${fitting(label, 15, text ? 150 : 290)}>${label}</text>
      <text class="term" x=${WIDTH - 110} y=${i * ROW + 17} text-anchor="end" font-size=${fitting(text, 17, 165)}>${text}</text>
      ${sign && html`<text class="term" x=${WIDTH - 96} y=${i * ROW + 17} text-anchor="middle" font-size="17">${sign}</text>`}
      <${Value} name=${name} title=${title} value=${part} x=${WIDTH} y=${i * ROW + 17} />
      <${Bar} ...${steps[i]} y=${i * ROW + 25} scale=${scale} />
      ${i > 0 && html`<line class="step" x1=${scale(steps[i].from)} x2=${scale(steps[i].from)} y1=${i * ROW - 12} y2=${i * ROW + 25} />`}
    </g>`)}
    <text class="label" x="0" y=${end + 17} font-size="15">${t("forces.sum")}</text>
    <text class="term" x=${WIDTH - 96} y=${end + 17} text-anchor="middle" font-size="17">${equals(values.u[l][k], rows.reduce((sum, { part }) => sum + asShown(part), 0))}</text>
    <${Value} name=${`u${l}${k}`} title=${t("forces.quantity.u", at)} value=${values.u[l][k]} x=${WIDTH} y=${end + 17} />
    <${Bar} from=${0} to=${values.u[l][k]} y=${end + 25} scale=${scale} kind="whole" />
    ${l > 0 && html`<g>
      <text class="label green" x="0" y=${end + ROW + 17} font-size="15">${t("forces.times_slope")}</text>
      <${Value} name=${`slope${l}${k}`} title=${t("forces.quantity.slope", at)} value=${values.slope[l][k]} x=${WIDTH} y=${end + ROW + 17} colour="green" prefix="× " />
      <${Bar} from=${0} to=${values.u[l][k]} y=${end + ROW + 25} scale=${scale} kind="ghost" />
      <${Bar} from=${0} to=${delta} y=${end + ROW + 25} scale=${scale} kind="delta" />
      <text class="label strong" x="0" y=${end + 2 * ROW + 19} font-size="18">δ</text>
      <text class="term" x=${WIDTH - 110} y=${end + 2 * ROW + 19} text-anchor="middle" font-size="20">${signOf([values.u[l][k], values.slope[l][k]], delta)}</text>
      <${Value} name=${`delta${l}${k}`} title=${t("forces.quantity.delta", at)} value=${delta} x=${WIDTH} y=${end + 2 * ROW + 20} size=${24} room=${100} colour="orange" />
    </g>`}
  </svg>`;
}

const brace = (/** @type {any} */ what, /** @type {string} */ key) =>
  html`<munder><munder accentunder="true"><mrow>${what}</mrow><mo stretchy="true">⏟</mo></munder><mtext>${t(key)}</mtext></munder>`;

/** The two forces, as the notes write them. @param {{values: any, of: {l: number, k: number}}} props */
function Forces({ values, of: { l, k } }) {
  const sum = l === LAST ? S.u(k) : html`<mrow><munder><mo>Σ</mo><mi>k</mi></munder><msub><mi>w</mi><mrow><mn>${k}</mn><mi>k</mi></mrow></msub><msub><mi>δ</mi><mi>k</mi></msub></mrow>`;
  const line = [S.delta(k), "=", brace(sum, "forces.contribution"), "·", brace(S.slope(k), "forces.activity")];
  const [u, slope, delta] = [values.u[l][k], values.slope[l][k], values.delta[l][k]];
  const filled = ["=", figure(u, { isBracketed: true }), "·", figure(slope, { of: "slope" }), "=", figure(delta)];
  return html`<div class="both">${formula(line, { isBlock: true })}${formula(filled, { isBlock: true })}</div>`;
}

/** @param {any} props */
function Control({ name, title, values, value, onChange, colour = "", y = 28 }) {
  if (!allows(name)) return null;
  const { least, most } = /** @type {any} */ (controls)[name];
  return html`<svg class="control" viewBox=${`0 0 ${WIDTH} 56`} role="group" aria-label=${title}>
    <text class="label ${colour}" x="0" y=${y + 5} font-size="15">${title}</text>
    <${Slider} name=${name} label=${title} value=${value} least=${least} most=${most} x=${150} y=${y} length=${150} colour=${colour}
      onChange=${(/** @type {number} */ next) => onChange({ [name]: next })} />
    <${Value} name=${name} title=${title} value=${value} x=${WIDTH} y=${y + 6} />
  </svg>`;
}

/** A neuron: who listens to it, how awake it is; then its bias, or what is asked of the output.
 * @param {any} props */
export function NeuronPanel({ values, of, isPaths, onChange }) {
  const { l, k } = of;
  const at = { place: place(l, k) };
  const bias = l > 0 && html`<${Control} name=${`b${l}${k}`} title=${t("forces.bias")} values=${values} value=${values.biases[l][k]} onChange=${onChange} colour="blue" />`;
  return html`<section class="taken-apart" aria-label=${t("forces.taken_apart", at)}>
    <h2>${t(isPaths ? "forces.ways_of" : l === LAST ? "forces.loss_of" : "forces.listeners_of", at)}</h2>
    <${Sum} values=${values} of=${of} isPaths=${isPaths} />
    ${l > 0 && html`<${Forces} values=${values} of=${of} />`}
    ${bias}
    ${l === 0 && html`<${Control} name=${`x${k}`} title=${t("forces.value")} values=${values} value=${values.a[0][k]} onChange=${onChange} colour="red" />`}
    ${l === LAST && html`<${Control} name="y" title=${t("forces.target")} values=${values} value=${values.y} onChange=${onChange} />`}
  </section>`;
}

/** A connection: what comes in times the δ at its end, as an area. @param {any} props */
export function ConnectionPanel({ values, of: { l, j, k }, onChange }) {
  const [a, delta] = [values.a[l - 1][j], values.delta[l][k]];
  const at = { from: place(l - 1, j), to: place(l, k) };
  const gradient = a * delta;
  const across = Math.max(1, ...values.a[l - 1].map(Math.abs));
  const down = Math.max(...values.delta[l].map(Math.abs)) || 1;
  const [width, height] = [Math.max((Math.abs(a) / across) * 210, 1.5), Math.max((Math.abs(delta) / down) * TALL, 1.5)];
  const [left, foot] = [126, TALL + 8];
  return html`<section class="taken-apart" aria-label=${t("forces.taken_apart_link", at)}>
    <h2>${t("forces.link", at)}</h2>
    <svg class="area" viewBox=${`0 0 ${WIDTH} ${foot + 60}`} role="group" aria-label=${t("forces.area")}>
      <rect class="frame" x=${left} y=${foot - TALL} width="210" height=${TALL} />
      <rect class="bar ${gradient < 0 ? "negative" : "positive"}" x=${left} y=${foot - height} width=${width} height=${height} />
      <line class="side red" x1=${left} x2=${left + width} y1=${foot} y2=${foot} />
      <line class="side orange" x1=${left} x2=${left} y1=${foot} y2=${foot - height} />
      <text class="label red" x=${left} y=${foot + 23} font-size="15">${t("forces.from_here", at)}</text>
      <${Value} name=${l === 1 ? `x${j}` : `a${l - 1}${j}`} title=${t("forces.quantity.a", { place: at.from })} value=${a} x=${left} y=${foot + 51} size=${22} room=${110} colour="red" anchor="start" />
      <text class="label orange" x=${left - 12} y=${foot - 32} text-anchor="end" font-size=${fitting(t("forces.at_there", at), 15, 114)}>${t("forces.at_there", at)}</text>
      <${Value} name=${`delta${l}${k}`} title=${t("forces.quantity.delta", { place: at.to })} value=${delta} x=${left - 12} y=${foot - 4} size=${22} room=${106} colour="orange" />
    </svg>
    <p class="product">${formula([S.byWeight(j, k), "=", S.input(j), "·", S.delta(k)], { isBlock: true })}
      <svg viewBox="0 0 400 40" role="group" aria-label=${t("forces.product")}>
        <text class="term" x=${WIDTH - 126} y="27" text-anchor="end" font-size=${fitting(`${number(a)} × ${bracketed(delta)} =`, 20, 268)}><tspan class="red">${number(a)}</tspan> × <tspan class="orange">${bracketed(delta)}</tspan> ${signOf([a, delta], gradient)}</text>
        <${Value} name=${`gw${l}${j}${k}`} title=${t("forces.quantity.gw", at)} value=${gradient} x=${WIDTH} y=${28} size=${25} room=${120} />
      </svg></p>
    <${Control} name=${`w${l}${j}${k}`} title=${t("forces.weight")} values=${values} value=${values.weights[l][j][k]} onChange=${onChange} />
  </section>`;
}
