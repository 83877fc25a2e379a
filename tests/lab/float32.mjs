/**
 * Walk references in float32, and print what comes out, and whether all of it is float32.
 *
 *     node float32.mjs references.json
 */

import { readFileSync } from "node:fs";

const lab = new URL("../../src/whygrad/lab/static/", import.meta.url);
const { sceneOf } = await import(new URL("check.js", lab).href);
const { factors, step, takeStep, toRows } = await import(new URL("engine.js", lab).href);

/** Every number that a value holds, at any depth. */
function* numbers(value) {
  if (typeof value === "number") yield value;
  else if (value instanceof Object) for (const one of Object.values(value)) yield* numbers(one);
}

const found = JSON.parse(readFileSync(process.argv[2], "utf8")).map((reference) => {
  const { state, batch } = sceneOf(reference, Math.fround);
  const { anatomy, gradients, updates } = takeStep(state, batch, reference.settings);
  let after = state;
  for (let i = 0; i < reference.steps; i++) after = step(after, batch, reference.settings);
  const split = anatomy.layers.map(factors);
  const all = [...numbers([anatomy, gradients, updates, split, after])];
  return {
    count: all.length,
    isFloat32: all.every((one) => Math.fround(one) === one),
    preactivation: toRows(anatomy.layers[0].preactivation),
    layers: anatomy.layers.map(({ upstream, delta }, l) => ({
      upstream: toRows(upstream),
      delta: toRows(delta),
      gradient: toRows(gradients[l].weight),
    })),
  };
});
console.log(JSON.stringify(found));
