/**
 * What the page shows, and what is run: two things that are kept apart. Looking never takes a step.
 *
 * The run of a room follows from its controls (`set`) and the number of steps taken, so these two,
 * with the room's name, are all that the address has to hold; but for samples of the reader's own,
 * which are too many for it. Every state that was reached is kept, or made again from an earlier one
 * by the same pure steps: going back is exact.
 *
 * @typedef {number | string | boolean} Value
 * @typedef {{start: Value, least?: number, most?: number, isWhole?: boolean, choices?: string[]}} Control
 * @typedef {Record<string, Value>} Set where every control of a room stands
 */
import { batch, computed, signal } from "./vendor/preact.js";
import { misfit } from "./samples.js";

// --- view state: what is looked at, and how ---------------------------------------------------

/** @type {any} what the page was packed with */
export const packed = {};
/** @type {any[]} all rooms, in order */
export const rooms = [];
export const roomName = signal("");
export const language = signal("en");
export const theme = signal("auto");
export const asked = signal(""); // the number that is being explained
export const panel = signal(""); // link, python: what is there to copy
export const slide = signal(-1); // none
export const isNarrow = signal(false);
export const isCalm = signal(false); // no motion is wanted
const looks = signal(/** @type {Record<string, string>} */ ({}));
/** What of the room is looked at, in the room's own words: the neuron that was clicked, an entry. */
export const look = computed(() => looks.value[roomName.value] ?? (room.value ? firstLook(room.value) : ""));

// --- run state: where the controls of every room stand, and the steps taken --------------------

const sets = signal(/** @type {Record<string, Set>} */ ({}));
const steps = signal(/** @type {Record<string, number>} */ ({}));
export const room = computed(() => rooms.find((one) => one.name === roomName.value));
export const set = computed(() => sets.value[roomName.value]);
export const step = computed(() => steps.value[roomName.value] ?? 0);
export const run = computed(() => runAt(room.value, set.value, step.value));

/** Samples that were pasted, or came with a scene. */
export const given = signal(/** @type {import("./samples.js").Own | null} */ (null));
/** What the room learns from in place of its own samples. */
export const own = computed(() => ownOf(room.value));

/** Return the samples that were given, if a room can learn from them; whether a task can be solved depends on
 * those that its room brings along. @param {any} room */
const ownOf = (room) => (given.value && room && !taskOf(room) && !misfit(room, given.value) ? given.value : null);

const LATELY = 500; // steps whose states are all kept; of older ones every
const SPARSE = 50; // ... so many
/** @type {Map<string, {set: Set, kept: Map<number, any>}>} */
const past = new Map();

/** Return the run of a room after some steps: kept, or made again from the nearest that was kept.
 * @param {any} room @param {Set} set @param {number} step */
export function runAt(room, set, step) {
  let history = past.get(room.name);
  if (!history || history.set !== set) {
    history = { set, kept: new Map([[0, room.begin(set)]]) };
    past.set(room.name, history);
  }
  const { kept } = history;
  let at = step;
  while (!kept.has(at)) at -= 1;
  for (; at < step; at += 1) {
    kept.set(at + 1, room.advance(kept.get(at), set));
    const old = at + 1 - LATELY;
    if (old % SPARSE !== 0) kept.delete(old);
  }
  return kept.get(step);
}

/** Set controls of the room. What was learnt so far is the new start, if the room can say it.
 * @param {Record<string, Value>} changes */
export function change(changes) {
  const now = step.value > 0 && room.value.settle ? room.value.settle(run.value, set.value) : {};
  batch(() => {
    putSet(roomName.value, { ...set.value, ...now, ...changes });
    go(0);
  });
}

/** Let all rooms that can learn from samples do so, from their first step; null gives them back their own.
 * @param {import("./samples.js").Own | null} samples */
export function give(samples) {
  batch(() => {
    given.value = samples;
    for (const { name } of rooms.filter(({ data }) => data)) {
      putSet(name, sets.value[name]);
      steps.value = { ...steps.value, [name]: 0 };
    }
  });
}

/** @param {string} name @param {Set} values */
export function putSet(name, values) {
  sets.value = { ...sets.value, [name]: cleaned(rooms.find((one) => one.name === name), values) };
}

const SLICE = 25; // milliseconds that the page may compute before it shows itself again
/** @type {any} */
let later;

/** Go to a step of the run. One that takes long to compute is reached by and by: the page shows how
 * far it has come. @param {number} to @param {boolean} [isPatient] whether it goes on until it is there */
export function go(to, isPatient = true) {
  cancelAnimationFrame(later);
  const wanted = Math.max(0, to);
  const reached = withinTime(wanted);
  steps.value = { ...steps.value, [roomName.value]: reached };
  const [name, of] = [roomName.value, set.value];
  const isStill = () => roomName.value === name && set.value === of;
  if (isPatient && reached < wanted) later = requestAnimationFrame(() => isStill() && go(wanted));
}

/** Return how far towards a step the run can be computed in one slice of time. @param {number} to */
function withinTime(to) {
  const end = performance.now() + SLICE;
  const history = past.get(roomName.value);
  let at = to;
  while (at > 0 && !(history?.set === set.value && history.kept.has(at))) at -= 1;
  for (; at < to && performance.now() < end; at += 1) runAt(room.value, set.value, at + 1);
  return at;
}

const ENOUGH = 10_000; // steps, where a room sets no end

/** Return the last step of a room: a number of its own, or a function of its controls.
 * @param {any} room @param {Set} set @returns {number} */
export function lastStep({ mostSteps = ENOUGH }, set) {
  return typeof mostSteps === "function" ? mostSteps(set) : mostSteps;
}

/** Look at another part of the room. @param {string} at */
export function lookAt(at) {
  looks.value = { ...looks.value, [roomName.value]: at };
}

/** Return the controls' values, each in its range; what is no value of a control is its start.
 * @param {any} room @param {Record<string, any>} values @returns {Set} */
export function cleaned(room, values) {
  const found = Object.fromEntries(
    Object.entries(room.controls).map(([name, control]) => [name, allowed(control, values[name])]),
  );
  return room.fitted ? room.fitted(found, ownOf(room)) : found;
}

/** @param {Control} control @param {any} value @returns {Value} */
function allowed({ start, least = -Infinity, most = Infinity, isWhole = false, choices }, value) {
  if (typeof value !== typeof start || Number.isNaN(value)) return start;
  if (typeof value === "number") return Math.min(Math.max(isWhole ? Math.round(value) : value, least), most);
  return choices && !choices.includes(String(value)) ? start : value;
}

/** Return what a view of the room needs, as plain values. */
export function here() {
  return { room: room.value, set: set.value, run: run.value, step: step.value, look: look.value };
}

/** Make the page's state. @param {any} data @param {any[]} all */
export function begin(data, all) {
  Object.assign(packed, data);
  // rooms that learn from the same samples have them once
  for (const one of packed.references)
    if (typeof one.batch === "string") one.batch = packed.references.find((/** @type {any} */ other) => other.room === one.batch).batch;
  rooms.push(...all);
  batch(() => {
    for (const one of all) putSet(one.name, startOf(one));
    roomName.value = data.room;
  });
}

/** Return the task of a room that the page was made for; a room's name stands for its first one.
 * @param {any} room */
export function taskOf(room) {
  return packed.task === room.name ? room.tasks[0] : room.tasks.find((/** @type {any} */ one) => one.name === packed.task);
}

/** Return where the controls of a room stand when it opens: its own start, the scene's, the task's.
 * @param {any} room @returns {Set} */
export function startOf(room) {
  const scene = room.name === packed.room ? packed.scene : {};
  return cleaned(room, { ...scene, ...taskOf(room)?.set });
}

/** Return what is looked at when a room opens. @param {any} room @returns {string} */
export function firstLook(room) {
  return taskOf(room)?.look ?? ((room.name === packed.room && packed.look) || (room.look ?? ""));
}
