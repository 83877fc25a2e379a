/**
 * Take up addresses as the page does, and print where that leads: the room, its controls, its numbers.
 *
 *     node addresses.mjs given.json
 *
 * What is given: `page`, what the page is packed with; `addresses`; and `isWalked`, whether the steps of
 * an address are taken.
 */

import { readFileSync } from "node:fs";

// the page asks for the next frame where a step takes long to compute; here it is computed at once
globalThis.requestAnimationFrame = () => 0;
globalThis.cancelAnimationFrame = () => {};

const lab = new URL("../../src/whygrad/lab/static/", import.meta.url);
const { page, addresses, isWalked } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const { read } = await import(new URL("address.js", lab).href);
const state = await import(new URL("state.js", lab).href);
const rooms = await Promise.all(page.rooms.map(async (name) => (await import(new URL(`rooms/${name}.js`, lab).href)).room));
state.begin(page, rooms);

const found = addresses.map((address) => {
  read(`#${address}`);
  const asked = Number(new URLSearchParams(address).get("step") ?? 0);
  const last = state.lastStep(state.room.value, state.set.value);
  state.go(0, false);
  while (isWalked && state.step.value < asked) state.go(asked, false);
  const here = state.here();
  const { room, set, step, look } = here;
  const numbers = Object.entries(room.numbers(here)).map(([name, { value }]) => [name, value]);
  return {
    room: room.name, controls: room.controls, slides: room.slides, set, step, last, look, asked: state.asked.value,
    numbers: Object.fromEntries(numbers),
  };
});
console.log(JSON.stringify(found));
