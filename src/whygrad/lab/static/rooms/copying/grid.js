/** Grids with one tab stop: arrow keys go from cell to cell, Enter asks or chooses. */

/** Return what makes an element a cell of a grid. @param {number} index of it */
export const cell = (index) => ({ "data-cell": "", tabindex: index === 0 ? 0 : -1 });

/** Go to another cell of the grid that an event happened in. @param {any} event @param {number} columns */
export function arrows(event, columns) {
  const cells = [...event.currentTarget.querySelectorAll("[data-cell]")];
  const at = cells.indexOf(event.target.closest("[data-cell]"));
  const by = /** @type {Record<string, number>} */ ({ ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns })[event.key];
  if (by === undefined || at < 0) return;
  event.preventDefault();
  event.stopPropagation();
  const next = cells[at + by];
  if (!next) return;
  for (const one of cells) one.tabIndex = one === next ? 0 : -1;
  next.focus();
}
