/** The links of the chain as gears: one turns the next by its factor, and one that is 0 stops all. */
import { html } from "../../vendor/preact.js";
import { COLOURS, formula, symbol, twoLines } from "../../formula.js";
import { asks } from "../../number.js";
import { number } from "../../numbers.js";
import { t } from "../../words.js";
import { isSilent } from "./chain.js";

const TEETH = 14;

/** Return the outline of a gear. @param {number} radius */
function outline(radius, teeth = TEETH) {
  const points = Array.from({ length: teeth * 4 }, (_, i) => {
    const angle = (2 * Math.PI * (i + 0.5)) / (teeth * 4);
    const far = i % 4 < 2 ? radius : radius - 6;
    return `${(far * Math.cos(angle)).toFixed(2)} ${(far * Math.sin(angle)).toFixed(2)}`;
  });
  return `M${points.join(" L")} Z`;
}

const GEAR = outline(45);

/** @param {any} props */
function Gear({ name, link, value, x, y, turn, state }) {
  const text = number(value);
  const label = t("number.is", { name: t(`neuron.quantity.${name}`), value: text });
  return html`<g class="gear ${COLOURS[link] ?? ""} ${state ? "stuck" : ""}" transform=${`translate(${x} ${y})`} ...${asks(name, state ? `${label}. ${state}` : label)}>
    <path class="teeth" d=${GEAR} transform=${`rotate(${turn})`} />
    <text y="6" text-anchor="middle" font-size=${Math.min(18, 70 / (text.length * 0.66))}>${text}</text>
  </g>`;
}

/** @param {{y: number, text: string}} props */
function Product({ y, text }) {
  return html`<text class="product" x="248" y=${y} font-size=${Math.min(17, 156 / (text.length * 0.62))}>${text}</text>`;
}

/** Return the factor that stops a gradient, if one does. @param {any} values @param {string} activation */
export function stopped(values, activation) {
  if (values.upstream === 0) return "upstream";
  return isSilent(values, activation) ? "slope" : "";
}

/** @param {{here: any, values: any}} props */
export function Gears({ here, values }) {
  const cause = stopped(values, here.set.activation);
  const turn = values.preactivation * 40;
  const stuck = (/** @type {string} */ name) => (cause === name ? t("neuron.stuck") : "");
  return html`<section class="gears">
    <p class="caption" id="gears-caption">${t(cause ? `neuron.gears.${cause}` : "neuron.gears")}</p>
    <svg viewBox="0 0 408 216" role="group" aria-labelledby="gears-caption">
      <${Gear} name="upstream" link="upstream" value=${values.upstream} x=${48} y=${106} turn=${turn} state=${stuck("upstream")} />
      <${Gear} name="slope" link="slopeLink" value=${values.slope} x=${131} y=${106} turn=${-turn} state=${stuck("slope")} />
      <${Gear} name="input" link="weightLink" value=${values.input} x=${194} y=${52} turn=${turn} state=${values.input === 0 ? t("neuron.dry") : ""} />
      <${Gear} name="constant" link="biasLink" value=${1} x=${194} y=${160} turn=${turn} state="" />
      <text class="sign" x="48" y="168" text-anchor="middle">∂C/∂a</text><text class="sign green" x="118" y="168" text-anchor="middle">∂a/∂z</text>
      ${cause && html`<text class="mark-stuck" x=${cause === "slope" ? 118 : 48} y="190" text-anchor="middle">▲ ${t("neuron.stuck")}</text>`}
      <text class="sign red" x="248" y="40">∂z/∂w ${values.input === 0 && html`<tspan class="mark-stuck" dx="6">${t("neuron.dry")}</tspan>`}</text>
      <text class="sign blue" x="248" y="148">∂z/∂b</text>
      <${Product} y=${66} text=${`∂C/∂w = ${number(values.weightGradient)}`} />
      <${Product} y=${174} text=${`∂C/∂b = ${number(values.biasGradient)}`} />
    </svg>
  </section>`;
}

/** Both gradients, link by link. @param {{values: any}} props */
export function Formulas({ values }) {
  const all = { ...values, slopeLink: values.slope, weightLink: values.input, biasLink: 1 };
  return html`<section class="formulas" aria-label=${t("neuron.formulas")}>
    ${twoLines("weightGradient", ["upstream", "slopeLink", "weightLink"], all)}
    ${twoLines("biasGradient", ["upstream", "slopeLink", "biasLink"], all)}
    <p class="aside">${formula([symbol("delta"), "=", symbol("upstream"), "·", symbol("slope")])}</p>
  </section>`;
}
