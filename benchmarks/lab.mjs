/**
 * How long the engine of the lab takes for 1 000 steps of Adam: 16 tanh neurons, 151 samples of two
 * rings, all of them at each step. Prints the seconds of each round as JSON.
 *
 *     node benchmarks/lab.mjs [ROUNDS]
 */

const lab = new URL("../src/whygrad/lab/static/", import.meta.url);
const { asMatrix, firstState, matrix, step } = await import(new URL("engine.js", lab).href);
const { create, random } = await import(new URL("draws.js", lab).href);

const [samples, steps] = [151, 1000];
const rounds = Number(process.argv[2] ?? 5);
const settings = { loss: "binary_cross_entropy", optimizer: "adam", learning_rate: 0.05 };
const draws = random(0);
const classes = Array.from({ length: samples }, (_, i) => i % 2);
const points = classes.flatMap((y) => {
  const [angle, radius] = [draws.uniform(0, 2 * Math.PI), y ? 0.5 : 1];
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
});
const batch = { input: matrix(samples, 2, points), target: asMatrix(classes, 1) };
const network = create({ sizes: [2, 16, 1], activations: ["tanh", "identity"], init: "constant:0.5" });

const times = Array.from({ length: rounds }, () => {
  let state = firstState(network, settings);
  const begun = performance.now();
  for (let i = 0; i < steps; i++) state = step(state, batch, settings);
  return (performance.now() - begun) / 1000;
});
console.log(JSON.stringify(times));
