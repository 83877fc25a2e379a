/** The picture of one neuron: pressure and tap, constant and tank, z, a, C; back comes what C asks. */
import { html } from "../../vendor/preact.js";
import { allows } from "../../guided.js";
import { COLOURS } from "../../formula.js";
import { asks } from "../../number.js";
import { number } from "../../numbers.js";
import { Slider, WIDE } from "../../slider.js";
import { isNarrow } from "../../state.js";
import { t } from "../../words.js";
import { isHeld } from "./chain.js";
import { isLit, Pulse } from "./flow.js";
import { NARROW_LAYOUT, WIDE_LAYOUT } from "./layout.js";

/** @type {Record<string, any>} how a quantity is written in a drawing */
const WRITTEN = {
  input: html`<tspan font-style="italic">a</tspan><tspan dy="0.25em" font-size="70%">in</tspan>`,
  weight: "w", bias: "b", preactivation: "z", output: "a", loss: "C", target: "y", delta: "δ",
  slope: "σ′(z)", upstream: "∂C/∂a", weightGradient: "∂C/∂w", biasGradient: "∂C/∂b", constant: "1",
};

const PLAIN = /** @type {Record<string, string>} */ ({ input: "ain" }); // as it reads without a subscript
const SILENT = 1e-6; // of a gradient: nothing that an eye could see moves anything
const WIDTH_OF_DIGIT = 0.66; // of its height, in the widest of our fonts

/** Return a size of letters at which a number stays as wide as its place. @param {string} text
 * @param {number} largest @param {number} room */
const fitting = (text, largest, room) => Math.min(largest, room / (text.length * WIDTH_OF_DIGIT));

/** A number with its symbol above. @param {any} props */
function Chip({ name, values, at, small = false, room = 104 }) {
  const text = number(values[name]);
  const label = t("number.shown", { symbol: PLAIN[name] ?? WRITTEN[name], value: text, name: t(`neuron.quantity.${name}`) });
  const kind = COLOURS[name] ?? (Object.values(BACK).includes(name) ? "orange" : "");
  return html`<g class="chip ${kind} ${isLit(name) ? "lit" : ""}" ...${asks(name, label)}>
    <rect class="hit" x=${at.x - room / 2} y=${at.y - 24} width=${room} height="48" rx="10" />
    <text class="symbol" x=${at.x} y=${at.y - 7} text-anchor="middle">${WRITTEN[name]} </text>
    <text class="value" x=${at.x} y=${at.y + 16} text-anchor="middle" font-size=${fitting(text, small ? 21 : 25, room - 4)}>${text}</text>
  </g>`;
}

/** A node of the chain: a circle, its symbol and its number. @param {any} props */
function Node({ name, values, at, radius, children = null }) {
  const text = number(values[name]);
  const label = t("number.shown", { symbol: PLAIN[name] ?? WRITTEN[name], value: text, name: t(`neuron.quantity.${name}`) });
  return html`<g class="node ${COLOURS[name] ?? ""} ${isLit(name) ? "lit" : ""}" ...${asks(name, label)}>
    <circle cx=${at.x} cy=${at.y} r=${radius} />
    <text class="symbol" x=${at.x} y=${at.y - radius * 0.3 - (radius > 40 ? 0 : 2)} text-anchor="middle">${WRITTEN[name]} </text>
    <text class="value" x=${at.x} y=${at.y + radius * (radius > 40 ? 0.3 : 0.5)} text-anchor="middle" font-size=${fitting(text, radius > 40 ? 23 : 19, radius * 1.76)}>${text}</text>
    ${children}
  </g>`;
}

/** Water in a pipe: as wide as what flows is large, from nothing to full. @param {any} props */
function Pipe({ path, amount }) {
  const width = amount === 0 ? 0 : 3 + 4 * Math.asinh(Math.abs(amount) * 2);
  return html`<g class="pipe" aria-hidden="true">
    <path class="wall" d=${path} /><path class="bore" d=${path} />
    ${amount !== 0 && html`<path class="water ${amount < 0 ? "negative" : "positive"}" d=${path} stroke-width=${Math.min(width, 16)} />`}
  </g>`;
}

/** What comes back along each part of the way. */
const BACK = { upstream: "upstream", slope: "delta", weight: "weightGradient", bias: "biasGradient" };

/** The way back: its dots are as large as what comes; where nothing comes it is only marked.
 * @param {{path: string, amount: number}} props */
function WayBack({ path, amount }) {
  const isSilent = Math.abs(amount) < SILENT;
  const width = isSilent ? 1.5 : 2 + 5 * Math.min(1, Math.sqrt(Math.abs(amount)));
  return html`<path class="way-back ${isSilent ? "silent" : ""}" d=${path} stroke-width=${width} stroke-dasharray=${`0.1 ${width + 3.5}`} marker-end="url(#arrow)" />`;
}

/** A tap: two triangles with a wheel that turns as the weight does. @param {any} props */
function Tap({ at, weight, isDry }) {
  const [x, y] = [at.x, at.y];
  return html`<g class="tap ${isDry ? "dry" : ""}" aria-hidden="true">
    <path class="body" d=${`M${x - 30} ${y - 17} L${x + 30} ${y + 17} V${y - 17} L${x - 30} ${y + 17} Z`} />
    <circle class="wheel" cx=${x} cy=${y} r="10" />
    <path class="spoke" transform=${`rotate(${weight * 60} ${x} ${y})`} d=${`M${x - 10} ${y} H${x + 10}`} />
  </g>`;
}

/** A tank: its level is the bias; below the line in the middle it draws. @param {any} props */
function Tank({ at, bias }) {
  const level = Math.max(-1, Math.min(1, Math.asinh(bias) / Math.asinh(30))) * 26;
  return html`<g class="tank" aria-hidden="true">
    <rect class="body" x=${at.x - 28} y=${at.y - 28} width="56" height="56" rx="6" />
    <rect class="water ${bias < 0 ? "negative" : "positive"}" x=${at.x - 26} width="52" y=${level > 0 ? at.y - level : at.y} height=${Math.abs(level)} />
    <line class="zero" x1=${at.x - 28} x2=${at.x + 28} y1=${at.y} y2=${at.y} />
  </g>`;
}

/** @param {{x: number, y: number}} props */
function Padlock({ x, y }) {
  return html`<g class="padlock" transform=${`translate(${x} ${y})`} aria-hidden="true">
    <path class="shackle" d="M-6 -2 V-7 A6 6 0 0 1 6 -7 V-2" /><rect x="-10" y="-3" width="20" height="15" rx="3" />
  </g>`;
}

/** @param {any} props */
function Times({ at, of, values }) {
  const isInput = of === "weight";
  return html`<text class="times ${isInput ? "red" : "blue"}" x=${at.x} y=${at.y} text-anchor="middle">× ${isInput ? number(values.input) : "1"}</text>`;
}

/**
 * @param {{here: any, values: any, onChange: (changes: any) => void, glowing: string}} props
 */
export function Picture({ here, values, onChange, glowing }) {
  const at = isNarrow.value ? NARROW_LAYOUT : WIDE_LAYOUT;
  const { controls } = here.room;
  const held = isHeld(here);
  const slider = (/** @type {string} */ name, more = {}) => allows(name) && html`<${Slider} name=${name} ...${at.sliders[/** @type {"input"} */ (name)]}
      label=${t(`neuron.quantity.${name}`)} value=${values[name]} least=${controls[name].least} most=${controls[name].most}
      colour=${COLOURS[name] ?? ""} onChange=${(/** @type {number} */ value) => onChange({ [name]: value })} ...${more} />`;
  const chip = (/** @type {string} */ name, more = {}) => html`<${Chip} name=${name} values=${values} at=${at.chips[/** @type {"delta"} */ (name)]} ...${more} />`;
  return html`<svg class="picture" viewBox=${at.view.join(" ")} role="group" aria-label=${t("neuron.picture")}>
    <${Pipe} path=${at.pipes.input} amount=${values.input} />
    <${Pipe} path=${at.pipes.weightFlow} amount=${values.flow} />
    <${Pipe} path=${at.pipes.constant} amount=${1} />
    <${Pipe} path=${at.pipes.bias} amount=${values.bias} />
    <${Pipe} path=${at.pipes.preactivation} amount=${values.preactivation} />
    <${Pipe} path=${at.pipes.output} amount=${values.output} />
    ${Object.entries(at.back).map(([name, path]) => html`<${WayBack} key=${name} path=${path} amount=${values[BACK[/** @type {"slope"} */ (name)]]} />`)}
    <defs><marker id="arrow" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="13" markerHeight="13" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 L8 4 L0 8 Z" /></marker></defs>
    <${Node} name="input" values=${values} at=${at.source} radius=${at.sourceRadius} />
    <g class="node blue constant ${isLit("constant") ? "lit" : ""}" ...${asks("constant", t("number.is", { name: t("neuron.quantity.constant"), value: "1" }))}>
      <rect x=${at.constant.x - 26} y=${at.constant.y - 26} width="52" height="52" rx="6" />
      <text class="value" x=${at.constant.x} y=${at.constant.y + 8} text-anchor="middle" font-size="24">1</text>
    </g>
    <${Tap} at=${at.tap} weight=${values.weight} isDry=${values.input === 0} />
    <${Tank} at=${at.tank} bias=${values.bias} />
    <${Node} name="preactivation" values=${values} at=${at.z} radius=${at.radius}>
      ${held && html`<${Padlock} x=${at.z.x} y=${at.z.y - at.radius} />`}
    <//>
    <${Node} name="output" values=${values} at=${at.a} radius=${at.radius} />
    <${Node} name="loss" values=${values} at=${at.C} radius=${at.radius} />
    <${Times} at=${at.times.weight} of="weight" values=${values} />
    <${Times} at=${at.times.bias} of="bias" values=${values} />
    ${chip("weight", { small: true, room: 84 })}${chip("bias", { small: true, room: 84 })}${chip("target", { small: true, room: isNarrow.value ? 66 : 84 })}
    ${["upstream", "delta", "weightGradient", "biasGradient"].map((name) => chip(name, { room: isNarrow.value ? 92 : 124 }))}
    ${chip("slope", { room: isNarrow.value ? 84 : 84 })}
    ${slider("input", { isGlowing: glowing === "input", hint: glowing === "input" ? t("neuron.drag_me") : undefined })}
    ${slider("weight")}${slider("bias", { scale: WIDE })}${slider("target", { step: 0.05 })}
    <${Pulse} layout=${at} />
  </svg>`;
}
