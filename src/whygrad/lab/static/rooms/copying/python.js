/** Programs that print the same numbers by whygrad. */
import { asPython } from "../../samples.js";
import { own } from "../../state.js";
import { initOf, inputs, NUDGE, settingsOf, sizesOf, telling } from "./training.js";

/** @param {number} value */
export const written = (value) => (Number.isInteger(value) ? value.toFixed(1) : String(value));

const CIRCLES = `circles = wg.load("circles", seed=0, samples=453).train
x, y = np.asarray(circles.x[:151], float), np.asarray(circles.y[:151, None], float)
`;

/** Return what every program of these rooms begins with. */
export const head = () => `import jax

jax.config.update("jax_enable_x64", True)

import numpy as np
import optax
import whygrad as wg
from whygrad.lab.draws import create

${own.value ? asPython(own.value) : CIRCLES}`;

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

/** How a network is drawn, as the page draws it. @param {any} set @param {string} init @param {string} biasInit
 * @param {string | number} seed */
export const drawn = (set, init, biasInit, seed) => `create(
    [${sizesOf(set).join(", ")}],
    activations=["${set.activation}", "${telling().output}"],
    init=${init},
    bias_init=${biasInit},
    seed=${seed},
)`;

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
  const { init, biasInit } = initOf(set);
  const weights = Array.from({ length: inputs() }, (_, j) => `w${j + 1}`);
  return `${head()}
network = ${drawn(set, JSON.stringify(init).replace(",", ", "), `"${biasInit}"`, set.seed)}
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
print(f"effective width  {wg.effective_width(network)['hidden1']} / ${set.width}")
print(f"apart            {np.ptp(rows, axis=1).max():.4g}")
into, out = anatomy.gradients()["hidden1"], anatomy.gradients()["output"]
for k in ${JSON.stringify(pair.map((k) => k + 1)).replace("[", "(").replace("]", ")").replace(",", ", ")}:
    print(f"neuron {k}")
    print("  ${weights.join(", ")}, b, v  ", ", ".join(f"{one:.4g}" for one in rows[:, k - 1]))
${weights.map((name, j) => `    print(f"  dC/d${name}         {into['weight'][${j}, k - 1]:.4g}")`).join("\n")}
    print(f"  dC/db          {into['bias'][k - 1]:.4g}")
    print(f"  dC/dv          {out['weight'][k - 1, 0]:.4g}")
`;
}
