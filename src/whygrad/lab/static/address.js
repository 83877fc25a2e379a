/**
 * The address of the page: its hash holds what is needed to see the same picture again, and only
 * what differs from how the room opens. A link that is shared leaves language and colours to whom
 * it is sent.
 */
import { batch, effect } from "./vendor/preact.js";
import { asked, cleaned, firstLook, go, language, lastStep, look, lookAt, putSet, roomName, rooms, set, slide, startOf, step, theme } from "./state.js";

const WAIT = 300; // milliseconds: browsers refuse an address that changes at every frame
const LANGUAGES = ["en", "zh-Hans"];

/** Return where controls and look are when a room, or one of its slides, opens: what the address
 * leaves out. @param {any} room @param {number} at the slide; -1 for none */
function opening(room, at) {
  const shown = room.slides[at];
  return { start: cleaned(room, { ...startOf(room), ...shown?.set }), seen: shown ? shown.look ?? room.look ?? "" : firstLook(room) };
}

/** Return the address of what is on screen, without the reader's own preferences. */
export function shared() {
  const room = rooms.find((one) => one.name === roomName.value);
  const { start, seen } = opening(room, slide.value);
  const found = new URLSearchParams({ room: room.name });
  for (const [name, value] of Object.entries(set.value))
    if (value !== start[name]) found.set(name, typeof value === "boolean" ? String(Number(value)) : String(value));
  if (step.value > 0) found.set("step", String(step.value));
  if (look.value !== seen) found.set("look", look.value);
  if (asked.value) found.set("ask", asked.value);
  if (slide.value >= 0) found.set("slide", String(slide.value + 1));
  return found;
}

/** Return the address with language and colours, which outlast a reload. */
function whole() {
  const found = shared();
  if (chosen.language) found.set("lang", language.value);
  if (theme.value !== "auto") found.set("theme", theme.value);
  return found;
}

/** What the reader chose, and not the page. */
export const chosen = { language: false };

/** Take up what an address says; what it does not say stays as the room opens.
 * @param {string} hash */
export function read(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const room = rooms.find((one) => one.name === (given.get("room") ?? roomName.value));
  batch(() => {
    if (LANGUAGES.includes(given.get("lang") ?? "")) {
      language.value = given.get("lang") ?? "en";
      chosen.language = true;
    }
    theme.value = ["light", "dark"].includes(given.get("theme") ?? "") ? given.get("theme") ?? "" : theme.value;
    if (!room) return;
    const isSlide = slide.value >= 0 || given.has("slide");
    const at = isSlide ? slideAt(room, given.get("slide") ?? "") : -1;
    const { start, seen } = opening(room, at);
    const typed = Object.entries(start).map(([name, value]) => [name, given.has(name) ? as(value, given.get(name)) : value]);
    roomName.value = room.name;
    const wanted = cleaned(room, Object.fromEntries(typed));
    putSet(room.name, wanted);
    go(Math.min(wholeNumber(given.get("step")), lastStep(room, wanted)));
    lookAt(given.get("look") ?? seen);
    asked.value = given.get("ask") ?? "";
    if (slide.value >= 0) slide.value = at;
  });
}

/** Return the place of a slide, by its name or by its number. @param {any} room @param {string} text */
function slideAt({ slides }, text) {
  const named = slides.findIndex((/** @type {any} */ one) => one.name === text);
  return named >= 0 ? named : Math.min(Math.max(wholeNumber(text) - 1, 0), slides.length - 1);
}

/** Return a text of the address as a value of the kind that a control has.
 * @param {import("./state.js").Value} like @param {string | null} text */
function as(like, text) {
  if (typeof like === "boolean") return text === "1";
  return typeof like === "number" ? Number(text || NaN) : text ?? "";
}

/** @param {string | null} text */
function wholeNumber(text) {
  return /^\d{1,6}$/.test(text ?? "") ? Number(text) : 0;
}

/** Keep the address in step with the page, and the page with the address. */
export function follow() {
  /** @type {any} */
  let later;
  let isFirst = true;
  effect(() => {
    const hash = `#${whole()}`;
    clearTimeout(later);
    if (!isFirst) later = setTimeout(() => write(hash), WAIT);
    isFirst = false;
  });
  addEventListener("hashchange", () => read(location.hash));
}

/** @param {string} hash */
function write(hash) {
  if (location.protocol === "about:") return; // a frame without an address of its own
  history.replaceState(null, "", hash);
}
