/**
 * The reader's own data: what was pasted, what it is understood as, and whether rooms learn from it. It stays
 * in the page, and as long as its tab is open a reload finds it again.
 */
import { computed, signal } from "./vendor/preact.js";
import { decoded, LONGEST, understood } from "./data.js";
import { isPlaying } from "./player.js";
import { fromScene, learnable } from "./samples.js";
import { give, given, own, packed, room, set } from "./state.js";
import { joined, t } from "./words.js";

/** @typedef {import("./samples.js").Problem} Problem */
/** @typedef {{text: string, target: number, isStandard: boolean}} Pasted target: a column, counted from 0; -1 for the last */

const EMPTY = /** @type {Pasted} */ ({ text: "", target: -1, isStandard: true });
const LARGEST_FILE = 4 * LONGEST; // bytes
export const isOpen = signal(false); // the dialog
export const pasted = signal(EMPTY);
export const refused = signal(/** @type {Problem | null} */ (null)); // why a file was not read

/** What the pasted text is understood as, and what can be learnt from it. */
export const found = computed(() => examined(pasted.value));

/** @param {Pasted} pasted @returns {{table?: import("./data.js").Table, own?: import("./samples.js").Own, problem?: Problem}} */
function examined({ text, target, isStandard }) {
  if (text.length > LONGEST) return { problem: ["data.problem.too_long", { count: String(text.length), most: String(LONGEST) }] };
  const table = understood(text);
  return table ? { table, ...learnable(table, { target: target < 0 ? undefined : target, isStandard }) } : {};
}

// --- what outlasts a reload; a frame may have no storage ---------------------------------------

const KEY = `whygrad.lab.table:${location.pathname}`;

/** @param {Pasted | null} what */
function remember(what) {
  try {
    if (what) sessionStorage.setItem(KEY, JSON.stringify(what));
    else sessionStorage.removeItem(KEY);
  } catch {} // then a reload forgets it
}

/** @returns {Pasted} */
function remembered() {
  try {
    return { ...EMPTY, ...JSON.parse(sessionStorage.getItem(KEY) ?? "null") };
  } catch {
    return EMPTY;
  }
}

/** The samples that the page came with, if it did. @type {import("./samples.js").Own | null} */
let ofScene = null;

/** Take up the table that was pasted before a reload, else that of the scene. */
export function begin() {
  ofScene = (packed.samples && learnable(fromScene(packed.samples)).own) ?? null;
  pasted.value = remembered();
  give(found.value.own ?? ofScene);
}

/** Return whether the room learns from what no link can hold. */
export const isPasted = () => own.value !== null && own.value !== ofScene;

/** Return whether there is a way back to what the page came with. */
export const canGoBack = () => given.value !== ofScene;

// --- what is done with it ------------------------------------------------------------------------

/** Read a file, here in the page. @param {File | undefined} file */
export async function take(file) {
  if (!file) return;
  refused.value = null;
  try {
    if (file.size > LARGEST_FILE) throw new RangeError();
    pasted.value = { ...EMPTY, text: decoded(await file.arrayBuffer()) };
  } catch (error) {
    refused.value = [`data.problem.${error instanceof RangeError ? "large_file" : "no_text"}`, { name: file.name, most: String(LARGEST_FILE) }];
  }
}

export function open() {
  refused.value = null;
  isOpen.value = true;
}

/** Change what was pasted, or how it is taken. @param {Partial<Pasted>} change */
export function write(change) {
  refused.value = null;
  pasted.value = { ...pasted.value, ...change };
}

export function use() {
  isPlaying.value = false;
  remember(pasted.value);
  give(/** @type {any} */ (found.value).own);
  isOpen.value = false;
}

export function goBack() {
  isPlaying.value = false;
  remember(null);
  pasted.value = EMPTY;
  give(ofScene);
  isOpen.value = false;
}

/** How a column is called: by its name, or by its place. @param {{name: string, place: number}} column */
export const called = ({ name, place }) => name || t("data.column", { place: String(place) });

/** Return what is told, and by what. @param {import("./samples.js").Own} of */
export function learnt(of) {
  const [zero, one] = of.classes;
  const own = [t(`data.learns.${of.kind}`, { zero, one }), t(`data.${of.isStandard ? "standardised" : "unscaled"}`)];
  return joined([...own, ...room.value.data.says(of, set.value).map((/** @type {Problem} */ [key, values]) => t(key, values))]);
}
