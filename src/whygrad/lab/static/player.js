/** Play, pause, one step, one step back, rewind to the same start, another start, speed. */
import { computed, html, signal, useEffect } from "./vendor/preact.js";
import { change, go, lastStep, room, set, step } from "./state.js";
import { t } from "./words.js";

export const isPlaying = signal(false);
const SPEEDS = [1, 10, 100, 1000]; // steps a second
const speeds = signal(/** @type {Record<string, number>} */ ({})); // that were chosen, by room
const speed = computed(() => speeds.value[room.value.name] ?? room.value.speed ?? SPEEDS[1]);

const ICONS = {
  rewind: "M5 5v14 M19 5 L9 12 L19 19 Z",
  back: "M15 5 L7 12 L15 19 M18 5v14",
  play: "M7 4 L20 12 L7 20 Z",
  pause: "M8 5v14 M16 5v14",
  step: "M9 5 L17 12 L9 19 M6 5v14",
  seed: "M5 5h14v14H5Z M9 9h.01 M15 15h.01 M15 9h.01 M9 15h.01 M12 12h.01",
};

/** @param {{name: keyof typeof ICONS, onClick: () => void, disabled?: boolean, pressed?: boolean}} props */
function Button({ name, onClick, disabled = false }) {
  return html`<button type="button" class="player-button" onClick=${onClick} disabled=${disabled}>
    <svg viewBox="0 0 24 24" aria-hidden="true"><path d=${ICONS[name]} /></svg>
    <span>${t(`player.${name}`)}</span>
  </button>`;
}

/** Take steps while the page is seen. Returns what stops it. */
function play() {
  let [due, before] = [0, performance.now()];
  let frame = requestAnimationFrame(function tick(now) {
    if (!isPlaying.value) return; // a pause must not be followed by steps
    due += ((now - before) / 1000) * speed.value;
    before = now;
    const count = Math.min(Math.floor(due), Math.ceil(speed.value / 10)); // a hidden page owes nothing
    due = Math.min(due - count, 1);
    const most = lastStep(room.value, set.value);
    if (count > 0) go(Math.min(step.value + count, most), false);
    if (step.value >= most) isPlaying.value = false;
    else frame = requestAnimationFrame(tick);
  });
  return () => cancelAnimationFrame(frame);
}

export function Player() {
  const playing = isPlaying.value;
  useEffect(() => (playing ? play() : undefined), [playing]);
  const stopAt = (/** @type {number} */ to) => () => {
    isPlaying.value = false;
    go(to);
  };
  const at = step.value;
  const reseed = () => {
    isPlaying.value = false;
    change(room.value.draw(set.value, Number(set.value.seed) + 1));
  };
  return html`<div class="player" role="group" aria-label=${t("player.name")}>
    <${Button} name="rewind" onClick=${stopAt(0)} disabled=${at === 0} />
    <${Button} name="back" onClick=${stopAt(at - 1)} disabled=${at === 0} />
    <${Button} name=${playing ? "pause" : "play"} onClick=${() => (isPlaying.value = !playing)} />
    <${Button} name="step" onClick=${stopAt(at + 1)} disabled=${at >= lastStep(room.value, set.value)} />
    ${room.value.draw && html`<${Button} name="seed" onClick=${reseed} />`}
    <label class="speed"><span>${t("player.speed")}</span>
      <select value=${speed.value} onChange=${(/** @type {any} */ event) => (speeds.value = { ...speeds.value, [room.value.name]: Number(event.target.value) })}>
        ${SPEEDS.map((one) => html`<option value=${one}>${t("player.per_second", { steps: String(one) })}</option>`)}
      </select>
    </label>
    <output class="step-count">${t("player.at", { step: String(at) })}</output>
  </div>`;
}
