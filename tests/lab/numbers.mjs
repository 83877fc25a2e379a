/** Print how `numbers.js` writes each [value, digits]. */

import { readFileSync } from "node:fs";

const lab = new URL("../../src/whygrad/lab/static/", import.meta.url);
const { number } = await import(new URL("numbers.js", lab).href);

const asked = JSON.parse(readFileSync(process.argv[2], "utf8"));
console.log(JSON.stringify(asked.map(([value, digits]) => number(Number(value), digits))));
