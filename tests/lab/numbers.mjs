/** Print how `numbers.js` writes each [value, digits]. */

import { readFileSync } from "node:fs";

const lab = new URL("../../src/whygrad/lab/static/", import.meta.url);
const { number } = await import(new URL("numbers.js", lab).href);

console.log(JSON.stringify(JSON.parse(readFileSync(process.argv[2], "utf8")).map(([value, digits]) => number(Number(value), digits))));
