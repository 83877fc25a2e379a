/**
 * Read tables as the page does, and print what is understood and what can be learnt.
 *
 *     node data.mjs given.json
 *
 * Given are texts as they are pasted, or rows as a scene brings them.
 */

import { readFileSync } from "node:fs";

const lab = new URL("../../src/whygrad/lab/static/", import.meta.url);
const { understood } = await import(new URL("data.js", lab).href);
const { fromScene, learnable } = await import(new URL("samples.js", lab).href);

const plain = ({ own, problem }) => (own
  ? { ...own, input: [...own.input.data], target: [...own.target.data] }
  : { problem: problem[0], values: problem[1] });

const found = JSON.parse(readFileSync(process.argv[2], "utf8")).map((given) => {
  const table = typeof given === "string" ? understood(given) : fromScene(given);
  return table && { table, ...plain(learnable(table, given.how)) };
});
// what is no number has no place in JSON
console.log(JSON.stringify(found, (_, value) => (Number.isNaN(value) ? "NaN" : value)));
