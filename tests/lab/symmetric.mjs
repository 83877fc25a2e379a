/**
 * Train networks whose neurons start equal, with every activation, loss, optimizer and precision,
 * and print how far apart the neurons of a layer are after 50 steps, and how far they came.
 */

const lab = new URL("../../src/whygrad/lab/static/", import.meta.url);
const engine = await import(new URL("engine.js", lab).href);
const { ACTIVATIONS, LOSSES, SCALINGS, asMatrix, exact, firstState, matrix, step } = engine;
const { apart, effectiveWidth } = engine;
const { create, random } = await import(new URL("draws.js", lab).href);

const draws = random(18);
const [samples, sizes] = [7, [3, 5, 4, 2]];
const input = matrix(samples, 3, Array.from({ length: 3 * samples }, () => draws.normal()));
const target = asMatrix(Array.from({ length: samples }, (_, i) => i % 2), 2);

const found = [];
for (const activation of Object.keys(ACTIVATIONS))
  for (const loss of Object.keys(LOSSES))
    for (const optimizer of Object.keys(SCALINGS))
      for (const precision of [exact, Math.fround]) {
        const activations = [activation, activation, "identity"];
        // the outputs differ from one another, or a softmax would have nothing to tell
        const biasInit = ["constant:0.1", "constant:-0.2", matrix(1, 2, [0.3, -0.4])];
        const start = create({ sizes, activations, init: "constant:0.4", biasInit, precision });
        const settings = { loss, optimizer, learning_rate: 0.02 };
        let state = firstState(start, settings);
        for (let i = 0; i < 50; i++) state = step(state, { input, target }, settings);
        const [before, after] = [start, state.network].map(({ layers }) => layers[2].bias.data);
        const moved = Math.max(...after.map((one, k) => Math.abs(one - before[k])));
        found.push({ apart: apart(state.network), width: effectiveWidth(state.network), moved });
      }
console.log(JSON.stringify(found));
