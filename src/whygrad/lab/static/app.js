/**
 * The shell: what stands around a room. A line of switches at the top, the room's question and the
 * one sentence that is true of what is on screen, the room, the player, and the strip of rooms.
 */
import { effect, html, render, signal } from "./vendor/preact.js";
import { chosen, follow, read } from "./address.js";
import { sameAsWhygrad } from "./check.js";
import { Asked, ask, askInFormula } from "./number.js";
import { number } from "./numbers.js";
import { begin as beginOwn } from "./own.js";
import { Own } from "./paste.js";
import { isPlaying, Player } from "./player.js";
import { saveTable, Panel } from "./sharing.js";
import { Slides, Task, allows, begin as beginGuided, isLocked, turn, turnTo } from "./guided.js";
import { asked, begin, here, isCalm, isNarrow, language, packed, panel, room, roomName, rooms, slide, theme } from "./state.js";
import { t, told } from "./words.js";

const LANGUAGES = /** @type {Record<string, string>} */ ({ en: "English", "zh-Hans": "中文" });
const CLOSE = 1e-12; // of relative differences: the rounding of float64
const agreement = signal(/** @type {number | null} */ (null));
const NARROW = "(max-width: 700px)";

function Switches() {
  const choose = (/** @type {string} */ tag) => {
    chosen.language = true;
    language.value = tag;
  };
  const isDark = theme.value === "dark" || (theme.value === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  const share = (/** @type {string} */ name) => html`<button type="button" class="quiet" onClick=${() => (panel.value = name)}>${t(`share.${name}.short`)}</button>`;
  return html`<header class="switches">
    <span class="mark">whygrad <b>${t("name")}</b></span>
    <div class="row">
      ${!isLocked() && html`${share("link")}${share("python")}
        <button type="button" class="quiet" onClick=${saveTable}>${t("share.table.short")}</button>`}
      <button type="button" class="quiet" onClick=${() => (theme.value = isDark ? "light" : "dark")}>${t(isDark ? "theme.light" : "theme.dark")}</button>
      ${Object.keys(packed.words).filter((tag) => tag !== language.value).map(
        (tag) => html`<button type="button" class="quiet" lang=${tag} onClick=${() => choose(tag)}>${LANGUAGES[tag]}</button>`,
      )}
    </div>
  </header>`;
}

/** The rooms, each as a small picture. */
function Strip() {
  if (rooms.length < 2 || isLocked()) return null;
  const go = (/** @type {string} */ name) => {
    asked.value = "";
    isPlaying.value = false;
    roomName.value = name;
    if (slide.value >= 0) turnTo(0);
    scrollTo({ top: 0 });
  };
  return html`<nav class="strip" aria-label=${t("rooms")}>
    ${rooms.map(
      (one) => html`<button type="button" key=${one.name} aria-current=${one === room.value ? "page" : undefined} onClick=${() => go(one.name)}>
        ${one.icon()}<span>${t(`${one.name}.name`)}</span></button>`,
    )}
  </nav>`;
}

/** Whether this engine finds what whygrad found when it wrote the page. */
function Badge() {
  const apart = agreement.value;
  if (apart === null) return html`<footer class="badge"> </footer>`;
  return html`<footer class="badge ${apart <= CLOSE ? "" : "off"}" data-apart=${apart}>${t(apart <= CLOSE ? "same" : "not_same", { apart: number(apart, 2) })}</footer>`;
}

function App() {
  const now = here();
  const { room } = now;
  const [key, values] = room.sentence(now);
  return html`<${Switches} />
    <main class="room ${slide.value >= 0 ? "as-slide" : ""}" id="main" onClick=${askInFormula}>
      <${Slides} /><${Task} />
      <h1>${told(`${room.name}.question`)}</h1>
      <p class="says" aria-live="polite">${told(key, values)}</p>
      <${Own} />
      <${room.view} key=${room.name} ...${now} />
      ${room.hasPlayer !== false && allows("player") && html`<${Player} />`}
      <${Asked} />
    </main>
    <${Strip} />
    <${Badge} />
    <${Panel} />`;
}

/** Keys that work anywhere: Escape lets go of a number, arrows turn slides. @param {KeyboardEvent} event */
function onKey(event) {
  if (event.key === "Escape" && asked.value) ask("");
  const isTaken = /** @type {Element} */ (event.target).closest?.("[role=slider], input, select, textarea, dialog");
  if (slide.value >= 0 && !isTaken && event.key === "ArrowRight") turn(1);
  if (slide.value >= 0 && !isTaken && event.key === "ArrowLeft") turn(-1);
}

/** Return the language that the page was made in, else the first of the browser's that there is. */
function firstLanguage() {
  const known = Object.keys(packed.words);
  const wanted = navigator.languages.map((tag) => (tag.split(/[-_@.]/)[0].toLowerCase() === "zh" ? "zh-Hans" : tag.split(/[-_@.]/)[0].toLowerCase()));
  return packed.language ?? wanted.find((tag) => known.includes(tag)) ?? known[0];
}

/** @param {string} query @param {{value: boolean}} into */
function watch(query, into) {
  const media = matchMedia(query);
  into.value = media.matches;
  media.addEventListener("change", () => (into.value = media.matches));
}

/** Start the page. @param {any[]} all its rooms, in order */
export function start(all) {
  begin(JSON.parse(document.getElementById("data")?.textContent ?? "{}"), all);
  language.value = firstLanguage();
  watch(NARROW, isNarrow);
  watch("(prefers-reduced-motion: reduce)", isCalm);
  beginOwn();
  beginGuided();
  read(location.hash);
  effect(() => {
    document.documentElement.lang = language.value;
    document.title = `${t(`${roomName.value}.question`)} · whygrad ${t("name")}`;
  });
  effect(() => {
    if (theme.value === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme.value;
  });
  follow();
  addEventListener("keydown", onKey);
  // after the first picture, which it must not keep waiting
  if (packed.references.length > 0) setTimeout(() => (agreement.value = Math.max(...packed.references.map(sameAsWhygrad))), 100);
  const place = /** @type {Element} */ (document.getElementById("lab"));
  place.replaceChildren(); // what is read where no script runs
  render(html`<${App} />`, place);
}
