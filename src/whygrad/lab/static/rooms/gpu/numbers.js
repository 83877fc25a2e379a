/** Where every number of the room comes from, and how to doubt it. */
import { html } from "../../vendor/preact.js";
import { figure } from "../../formula.js";
import { BIAS, countsOf, deltasOf, lossByBias, lossByZ, sizesOf } from "./sums.js";

const shown = (/** @type {number} */ value, of = "") => figure(value, { of, isBracketed: true });
const term = (/** @type {number | string} */ i) => html`<msub><mi>δ</mi><mn>${i}</mn></msub>`;
const sigma = html`<munder><mo>Σ</mo><mi>i</mi></munder>`;
const own = html`<mi>S</mi>`; // the sum in float32
const mean = html`<mfrac><mrow><mo>∂</mo><mi>C</mi></mrow><mrow><mo>∂</mo><mi>b</mi></mrow></mfrac>`;
const LONG = 8; // digits: float32 has seven, and a little

/** Return every number that can be asked. @param {any} here */
export function numbers({ set }) {
  const counts = countsOf(set);
  const { m } = counts;
  const { delta, upstream, slope, z, y } = deltasOf(m, set.seed);
  const entry = (/** @type {string} */ row, /** @type {any} */ more) => ["queue", "tree"].map((order) => [`${row}_${order}`, {
    title: [`gpu.asked.${row}_${order}`, {}], says: [`gpu.about.${row}_${order}`, { m: String(m), rounds: String(counts.rounds.length) }], ...more(order),
  }]);
  const sum = (/** @type {string} */ order) => (order === "queue" ? counts.inQueue : counts.inTree);
  const rounds = { queue: m - 1, tree: counts.rounds.length };
  const each = counts.terms.map((/** @type {number} */ value, /** @type {number} */ i) => [`d${i}`, {
    value, symbol: term(i), title: ["gpu.quantity.d", { i: String(i) }], says: ["gpu.about.d"],
    from: [["=", shown(upstream[i]), "·", shown(slope[i], "slope")]],
    check: { of: html`<msub><mi>C</mi><mn>${i}</mn></msub>`, by: html`<msub><mi>z</mi><mn>${i}</mn></msub>`, at: z[i], probe: lossByZ(y[i]), claim: delta[i] },
  }]);
  return Object.fromEntries([
    ...entry("additions", (/** @type {"queue" | "tree"} */ order) => ({ value: counts.additions[order], symbol: html`<mi>n</mi>` })),
    ...entry("rounds", (/** @type {"queue" | "tree"} */ order) => ({ value: rounds[order], symbol: html`<mi>r</mi>` })),
    ...entry("sum", (/** @type {string} */ order) => ({ value: sum(order), symbol: html`<mrow>${sigma}${term("i")}</mrow>`, digits: LONG + 2 })),
    ...entry("error", (/** @type {"queue" | "tree"} */ order) => ({
      value: counts.error[order], symbol: html`<mi>E</mi>`,
      from: [
        ["=", "|", own, "−", sigma, term("i"), "|", "÷", sigma, "|", term("i"), "|"],
        [own, "=", figure(sum(order), { digits: LONG + 4 })], [sigma, term("i"), "=", figure(counts.exact, { digits: LONG + 4 })],
        ["=", figure(Math.abs(sum(order) - counts.exact)), "÷", figure(counts.size)],
      ],
    })),
    ["gradient", {
      value: counts.gradient, symbol: mean, title: "gpu.quantity.gradient", says: ["gpu.about.gradient", { m: String(m) }],
      from: [["=", html`<mfrac><mn>1</mn><mn>${m}</mn></mfrac>`, "·", shown(counts.gradient * m)]],
      check: { of: html`<mi>C</mi>`, by: html`<mi>b</mi>`, at: BIAS, probe: lossByBias(m, set.seed), claim: counts.gradient },
    }],
    ...each,
  ]);
}

/** Return the table on screen. @param {any} here */
export function table({ set }) {
  const { terms, additions, rounds, m, inQueue, inTree, exact, error } = countsOf(set);
  return {
    head: ["quantity", "one after another", "tree"],
    rows: [["additions", additions.queue, additions.tree], ["rounds", m - 1, rounds.length], ["sum in float32", inQueue, inTree], ["exact sum", exact, exact],
      ["error", error.queue, error.tree], ...terms.map((/** @type {number} */ one, /** @type {number} */ i) => [`delta ${i}`, one, one])],
  };
}

/** Return a program that prints the same numbers. @param {any} here */
export function python({ set }) {
  const { m, cards } = sizesOf(set);
  return `import jax

jax.config.update("jax_enable_x64", True)

import numpy as np
import whygrad as wg
from whygrad.lab.draws import Draws

m, cards = ${m}, ${cards}
x = Draws(${set.seed}, 0).normal(size=(m, 1))
y = np.where(Draws(${set.seed}, 1).uniform(size=(m, 1)) < 0.3, 1.0, 0.0)
network = wg.Network.from_arrays([np.array([[1.5]])], [np.array([0.5])], activations=["sigmoid"])
anatomy = wg.backward(network, wg.forward(network, x), y, loss="squared")
terms = np.asarray(anatomy["output"].delta)[:, 0].astype(np.float32)


def folded(held):
    """Add the second half of the last axis to the first, until one sum is left."""
    while held.shape[-1] > 1:
        half = held.shape[-1] // 2
        held = held[..., :half] + held[..., half:]
    return held[..., 0]


queue = np.float32(0)
for term in terms:
    queue = queue + term
each = m // cards
lanes, block = min(32, each), min(256, each)  # of a warp, of a block
tree = folded(folded(folded(folded(terms.reshape(cards, each // block, block // lanes, lanes)))))

exact, size = terms.astype(np.float64).sum(), np.abs(terms.astype(np.float64)).sum()
for name, total in (("one after another", queue), ("tree", tree)):
    print(f"{name}: {total:.8g}, off by {abs(float(total) - exact) / size:.2g} of the sum of all sizes")
`;
}
