/**
 * Walk references of `whygrad.lab.reference` with the engine of the lab, and print what differs.
 *
 *     node golden.mjs references.json
 */

import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

const lab = new URL("../../src/whygrad/lab/static/", import.meta.url);
const { differences, sameAsWhygrad, sceneOf } = await import(new URL("check.js", lab).href);
const { exact, step } = await import(new URL("engine.js", lab).href);

const PRECISIONS = { exact, fround: Math.fround };

/** Whether a step back is exact: no step changes a state, and each state gives the next again. */
function goesBack(reference, precision) {
  const { settings } = reference;
  const { state, batch } = sceneOf(reference, precision);
  const [states, copies] = [[state], [structuredClone(plain(state))]];
  for (let i = 0; i < 5; i++) {
    states.push(step(states[i], batch, settings));
    copies.push(structuredClone(plain(states[i + 1])));
  }
  const kept = states.every((one, i) => isDeepStrictEqual(plain(one), copies[i]));
  const again = states.slice(0, -1).every((one, i) =>
    isDeepStrictEqual(plain(step(one, batch, settings)), copies[i + 1]));
  return kept && again;
}

/** A state without its precision, a function, which cannot be copied. */
function plain({ network: { layers }, optimizer, step: taken }) {
  return { layers, optimizer, step: taken };
}

const found = JSON.parse(readFileSync(process.argv[2], "utf8")).map((reference) => ({
  differences: differences(reference),
  same: sameAsWhygrad(reference),
  back: Object.values(PRECISIONS).every((precision) => goesBack(reference, precision)),
}));
console.log(JSON.stringify(found));
