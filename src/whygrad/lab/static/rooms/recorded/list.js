/** A list of which one is picked: one tab stop, arrow keys, Enter; rows of cells. */
import { html, useLayoutEffect, useRef, useState } from "../../vendor/preact.js";

/**
 * @param {{name: string, label: string, head?: any[], rows: {key: any, cells: any[]}[], picked?: any,
 *   onPick: (key: any) => void}} props
 */
export function List({ name, label, head, rows, picked, onPick }) {
  const start = Math.max(rows.findIndex((row) => row.key === picked), 0);
  const [active, setActive] = useState(start);
  const box = useRef(/** @type {any} */ (null));
  const at = Math.min(active, rows.length - 1);
  useLayoutEffect(() => setActive(start), [start, rows.length]);
  const move = (/** @type {number} */ to) => {
    const next = Math.min(Math.max(to, 0), rows.length - 1);
    setActive(next);
    box.current?.children[next]?.scrollIntoView({ block: "nearest" });
  };
  const onKeyDown = (/** @type {any} */ event) => {
    const by = /** @type {Record<string, number>} */ ({ ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -Infinity, End: Infinity })[event.key];
    if (by !== undefined) move(at + by);
    else if (event.key === "Enter" || event.key === " ") onPick(rows[at].key);
    else return;
    event.preventDefault();
  };
  return html`<div class="list list-${name}">
    ${head && html`<div class="head" aria-hidden="true">${head.map((cell) => html`<span>${cell}</span>`)}</div>`}
    <div role="listbox" class="rows" tabindex="0" ref=${box} aria-label=${label} aria-activedescendant=${rows.length ? `${name}-${at}` : undefined} onKeyDown=${onKeyDown}>
      ${rows.map((row, i) => html`<div role="option" id=${`${name}-${i}`} key=${row.key} data-key=${row.key} class=${i === at ? "active" : ""} aria-selected=${row.key === picked}
        onClick=${() => { setActive(i); onPick(row.key); }}>${row.cells.map((cell) => html`<span>${cell}</span>`)}</div>`)}
    </div>
  </div>`;
}
