/** Print the code that `codes.js` makes of each [quizzes, results]; null: nothing was guessed. */

import { readFileSync } from "node:fs";

const lab = new URL("../../src/whygrad/lab/static/", import.meta.url);
const { codeOf } = await import(new URL("codes.js", lab).href);

const given = JSON.parse(readFileSync(process.argv[2], "utf8"));
console.log(JSON.stringify(given.map(([quizzes, results]) =>
  codeOf(quizzes, results.map((one) => one ?? undefined)))));
