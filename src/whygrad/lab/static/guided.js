/** For teachers: a room as slides that arrow keys turn, and a task with nothing but what it needs. */
import { html } from "./vendor/preact.js";
import { change, here, lookAt, packed, room, slide, startOf, taskOf } from "./state.js";
import { t, told } from "./words.js";

const task = () => taskOf(room.value);

/** Return whether controls are hidden that the task does not need. */
export const isLocked = () => packed.lock && task() !== undefined;

/** Return whether a control is there to be used. @param {string} control */
export function allows(control) {
  return !isLocked() || task().controls.includes(control);
}

export function begin() {
  if (packed.slides) turnTo(0);
}

/** Turn some slides on, or back. @param {number} by */
export const turn = (by) => turnTo(slide.value + by);

/** Show a slide of the room. @param {number} to */
export function turnTo(to) {
  const all = room.value.slides;
  slide.value = Math.min(Math.max(to, 0), all.length - 1);
  change({ ...startOf(room.value), ...all[slide.value].set });
  lookAt(all[slide.value].look ?? room.value.look ?? "");
}

export function Slides() {
  const at = slide.value;
  if (at < 0) return null;
  const all = room.value.slides;
  return html`<section class="slide" aria-label=${t("slides.name")}>
    <button type="button" onClick=${() => turn(-1)} disabled=${at === 0} aria-label=${t("slides.back")}>←</button>
    <p aria-live="polite">${told(`${room.value.name}.slide.${all[at].name}`)}<span class="count">${at + 1} / ${all.length}</span></p>
    <button type="button" onClick=${() => turn(1)} disabled=${at === all.length - 1} aria-label=${t("slides.next")}>→</button>
  </section>`;
}

export function Task() {
  const one = task();
  if (!one) return null;
  const isDone = one.isDone(here());
  return html`<section class="task ${isDone ? "done" : ""}" aria-label=${t("task.name")}>
    <p>${told(`${room.value.name}.task.${one.name}`)}</p>
    <p role="status">${isDone ? html`<b>✓ ${t("task.done")}</b> ${told(`${room.value.name}.task.${one.name}.done`)}` : ""}</p>
  </section>`;
}
