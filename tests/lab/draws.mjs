/** Print what `draws.js` draws: for each [seed, stream], five uniform and five normal numbers. */

import { readFileSync } from "node:fs";

const lab = new URL("../../src/whygrad/lab/static/", import.meta.url);
const { create, INITIALIZERS, random } = await import(new URL("draws.js", lab).href);

const five = (draw) => Array.from({ length: 5 }, draw);
const [seeds, starts] = JSON.parse(readFileSync(process.argv[2], "utf8"));
console.log(JSON.stringify({
  numbers: seeds.map(([seed, stream]) => {
    const from = random(seed, stream);
    const ways = [() => from.uniform(), () => from.normal(1, 2), () => from.uniform(-3, 2)];
    return ways.map(five);
  }),
  networks: starts.map((options) =>
    create(options).layers.map(({ weight, bias }) => [[...weight.data], [...bias.data]])),
  initializers: Object.keys(INITIALIZERS),
}));
