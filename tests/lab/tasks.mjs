/**
 * Train the starts of references with the engine of the lab, and print what loss and width do.
 *
 *     node tasks.mjs references.json
 */

import { readFileSync } from "node:fs";

const lab = new URL("../../src/whygrad/lab/static/", import.meta.url);
const { sceneOf } = await import(new URL("check.js", lab).href);
const { apart, effectiveWidth, takeStep } = await import(new URL("engine.js", lab).href);

const found = JSON.parse(readFileSync(process.argv[2], "utf8")).map((reference) => {
  let { state, batch } = sceneOf(reference);
  const [losses, widths, differences] = [[], [], []];
  for (let i = 0; ; i++) {
    widths.push(effectiveWidth(state.network).hidden1);
    differences.push(apart(state.network).hidden1);
    const taken = takeStep(state, batch, reference.settings);
    losses.push(taken.anatomy.loss);
    if (i === reference.steps) return { losses, widths, differences };
    state = taken.state;
  }
});
console.log(JSON.stringify(found));
