/** What is known of every number, and what is taken away: the table, and a program. */
import { ACTIVATIONS, LOSSES } from "../../engine.js";
import { allows } from "../../guided.js";
import { asPython } from "../../samples.js";
import { own } from "../../state.js";
import { html } from "../../vendor/preact.js";
import { controlOf, isTrap, lossBy, NEURONS, placeOf, rateOf, sampleOf, upTo, valuesOf } from "./layer.js";
import { originOf, symbolOf } from "./origin.js";
import { laidOut } from "./tables.js";

const C = html`<mi>C</mi>`;

/** @param {any} here @param {Record<string, number>} values @param {string} name */
function checkOf(here, values, name) {
  const { sort, row, column } = placeOf(name);
  const isSquare = here.run.bias[0].length > 1;
  if (Number.isNaN(values[name]) || (isSquare && sort === "gb")) return undefined;
  const by = sort === "gb" ? `b${row}` : sort === "gw" ? `w${row}${column}` : "";
  if (by) return { of: C, by: symbolOf(by), at: values[by], probe: lossBy(here, by), claim: values[name] };
  if (sort !== "d") return undefined;
  const [z, y] = [`z${row}${column}`, values[`y${row}${sampleOf(here, column)}`]];
  const loss = (/** @type {number} */ moved) => LOSSES.squared.value([ACTIVATIONS.sigmoid.value(moved)], [y]);
  return { of: html`<msub>${C}<mn>${column}</mn></msub>`, by: symbolOf(z), at: values[z], probe: loss, claim: values[name] };
}

/** Return every number that can be asked. @param {any} here */
export function numbers(here) {
  const values = /** @type {Record<string, number>} */ ({ ...valuesOf(here), rate: here.set.rate });
  const isSquare = here.run.bias[0].length > 1;
  const names = Object.keys(values).filter((name) => name === "rate" || (placeOf(name).sort && !Number.isNaN(values[name])));
  return Object.fromEntries(names.map((name) => {
    const sort = placeOf(name).sort || name;
    return [name, {
      value: values[name],
      symbol: symbolOf(name),
      title: `batch.quantity.${sort}`,
      says: [`batch.about.${sort}`, { samples: here.set.samples }],
      // only the one that is asked is told whole
      get from() { return name === "rate" ? null : originOf(here, values, name); },
      get check() { return checkOf(here, values, name); },
      control: controlOf(here, name) && allows(name) && !(sort === "b" && isSquare) ? name : undefined,
    }];
  }));
}

const SHOWN = ["x", "w", "b", "z", "a", "y", "d", "gb", "gw"];
const TITLES = /** @type {Record<string, string>} */ ({ x: "A_prev", w: "W", b: "b", z: "Z", a: "A", y: "Y", d: "Delta", gb: "db", gw: "dW" });

/** Return the tables on screen below one another, turned as they are there. @param {any} here */
export function table(here) {
  const values = valuesOf(here);
  const rows = SHOWN.flatMap((sort) => laidOut(sort, here).map((line, i) => [TITLES[sort], i + 1, ...line.map((name) => values[name])]));
  const width = Math.max(...rows.map((row) => row.length));
  const head = ["table", "row", ...upTo(width - 2)];
  return { head, rows: rows.map((row) => [...row, ...Array(width - row.length).fill("")]) };
}

/** @param {number} value */
const written = (value) => (Number.isInteger(value) ? value.toFixed(1) : String(value));

/** Return a table of controls as Python writes it. @param {any} here @param {string} sort */
function array(here, sort) {
  const names = laidOut(sort, { ...here, run: here.room.begin(here.set), set: { ...here.set, keepdims: true } });
  const rows = names.map((line) => `[${line.map((name) => written(here.set[name])).join(", ")}]`);
  return `np.array(${rows.length > 1 ? `[\n    ${rows.join(",\n    ")},\n]` : rows[0]})`;
}

/** Return the first of the reader's own samples as a batch, for three neurons that tell the same.
 * @param {import("../../samples.js").Own} of @param {any} set @param {string} x @param {string} y */
function ownBatch(of, { layout, samples }, x, y) {
  const turned = layout === "columns" ? ".T" : "";
  return `${asPython(of)}${x}, ${y} = x[:${samples}]${turned}, np.repeat(y[:${samples}], ${NEURONS}, axis=1)${turned}`;
}

/** Return a program that prints the same numbers. @param {any} here */
export function python(here) {
  const { set, step } = here;
  const isColumns = set.layout === "columns";
  const [x, y] = isColumns ? ["A_prev", "Y"] : ["input", "y"];
  const factor = set.divide === "mean" ? "" : ` * ${set.samples}`;
  const rate = written(rateOf(set));
  const turned = isColumns ? ".T" : "";
  const head = `import jax

jax.config.update("jax_enable_x64", True)

import numpy as np
import whygrad as wg

${own.value ? ownBatch(own.value, set, x, y) : `${x} = ${array(here, "x")}\n${y} = ${array(here, "y")}`}
W = ${array(here, "w")}
b = ${array(here, "b")}
for step in range(${step + 1}):
`;
  const down = `    if step < ${step}:
        W = W - ${rate} * dW
        b = b - ${rate} * db
`;
  const kept = isColumns && set.keepdims ? ".reshape(3, 1)" : "";
  const walked = isTrap(set) && step > 0 ? `    try:
        Z = W @ A_prev + b
        A = 1 / (1 + np.exp(-Z))
        Delta = (A - Y) * A * (1 - A)
        db = Delta.sum(axis=1) / ${set.samples}${factor}
        dW = Delta @ A_prev.T / ${set.samples}${factor}
    except ValueError as error:
        print(error)
        break
` : `    network = wg.Network.from_arrays([W${turned}], [b.ravel()], activations=["sigmoid"])
    anatomy = wg.backward(network, wg.forward(network, ${x}${turned}), ${y}${turned}, loss="squared")
    layer, gradient = anatomy["output"], anatomy.gradients()["output"]
    ${isColumns ? "Z, A, Delta" : "z, a, delta"} = layer.preactivation${turned}, layer.output${turned}, layer.delta${turned}
    db = gradient["bias"]${kept}${factor}
    dW = gradient["weight"]${turned}${factor}
`;
  const names = isColumns ? ["Z", "A", "Delta"] : ["z", "a", "delta"];
  return `${head}${walked}${down}
tables = {"W": W, "b": b, "${names[0]}": ${names[0]}, "${names[1]}": ${names[1]}, "${names[2]}": ${names[2]}, "db": db, "dW": dW}
for name, table in tables.items():
    print(name, table.shape)
    for row in np.atleast_2d(table):
        print(*(f"{number:.4g}" for number in row))
`;
}
