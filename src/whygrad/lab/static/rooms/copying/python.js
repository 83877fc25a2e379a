/** Programs that print the same numbers by whygrad. */
import { OUTPUT, NUDGE, settingsOf, SPREAD, widthOf } from "./training.js";

/** @param {number} value */
export const written = (value) => (Number.isInteger(value) ? value.toFixed(1) : String(value));

/** What every program of these rooms begins with. @param {string[]} imports */
export const head = (imports) => `import jax

jax.config.update("jax_enable_x64", True)

import numpy as np
import optax
import whygrad as wg
${imports.map((one) => `${one}\n`).join("")}
circles = wg.load("circles", seed=0, samples=453).train
x, y = np.asarray(circles.x[:151], float), np.asarray(circles.y[:151, None], float)
`;

/** How a network is trained, step by step. @param {any} set */
export const training = (set) => `optimizer = optax.${set.optimizer}(${written(set.rate)})


def look(network):
    trace = wg.forward(network, x)
    return wg.backward(network, trace, y, loss="${settingsOf(set).loss}")


@jax.jit
def advance(network, state):
    change, state = optimizer.update(look(network).gradients(), state)
    return network.with_parameters(optax.apply_updates(network.parameters, change)), state
`;

/** @param {any} set */
function start(set) {
  const n = widthOf(set);
  const constant = (/** @type {string} */ shape) => `np.full(${shape}, ${written(set.constant)})`;
  const isDrawn = set.start !== "constant";
  const drawn = `# the draws of the page
drawn = create(
    [2, ${n}, 1],
    activations=["${set.activation}", "${OUTPUT}"],
    init="${set.start === "biases" ? `constant:${written(set.constant)}` : "glorot_normal"}",
    bias_init="${set.start === "biases" ? `normal:${SPREAD}` : "zeros"}",
    seed=${set.seed},
).dense
`;
  return `${isDrawn ? drawn : ""}w = ${set.start === "random" ? "np.array(drawn[0].weight)" : constant(`(2, ${n})`)}
v = ${["random", "out"].includes(set.start) ? "np.array(drawn[1].weight)" : constant(`(${n}, 1)`)}
b = ${set.start === "biases" ? "np.array(drawn[0].bias)" : `np.zeros(${n})`}
network = wg.Network.from_arrays([w, v], [b, np.zeros(1)], activations=["${set.activation}", "${OUTPUT}"])
`;
}

const TOUCH = `
def touch(network):
    parameters = network.parameters
    hidden = parameters["hidden1"]
    weight = hidden["weight"].at[0, 0].add(${NUDGE.toExponential().replace("e-", "e-0")})
    return network.with_parameters(parameters | {"hidden1": hidden | {"weight": weight}})

`;

/** Return a program that prints what is on screen. @param {any} here @param {number[]} pair */
export function python({ set, step }, pair) {
  const isTouched = set.touch >= 0 && set.touch <= step;
  const touches = isTouched ? `    if step == ${set.touch}:\n        network = touch(network)\n` : "";
  return `${head(set.start === "constant" ? [] : ["from whygrad.lab.draws import create"])}
${start(set)}
${training(set)}
${isTouched ? TOUCH : ""}
state = optimizer.init(network.parameters)
for step in range(${step}):
${touches}    network, state = advance(network, state)
${isTouched && set.touch === step ? "network = touch(network)\n" : ""}
anatomy = look(network)
hidden, output = network.dense
rows = np.vstack([hidden.weight, hidden.bias, output.weight.T])
print(f"loss             {anatomy.loss.item():.4g}")
print(f"effective width  {wg.effective_width(network)['hidden1']} / ${widthOf(set)}")
print(f"apart            {np.ptp(rows, axis=1).max():.4g}")
into, out = anatomy.gradients()["hidden1"], anatomy.gradients()["output"]
for k in ${JSON.stringify(pair.map((k) => k + 1)).replace("[", "(").replace("]", ")").replace(",", ", ")}:
    print(f"neuron {k}")
    print(f"  w1, w2, b, v   {', '.join(f'{one:.4g}' for one in rows[:, k - 1])}")
    print(f"  dC/dw1         {into['weight'][0, k - 1]:.4g}")
    print(f"  dC/dw2         {into['weight'][1, k - 1]:.4g}")
    print(f"  dC/db          {into['bias'][k - 1]:.4g}")
    print(f"  dC/dv          {out['weight'][k - 1, 0]:.4g}")
`;
}
