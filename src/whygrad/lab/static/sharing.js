/** What is taken away from the page: its link, a program that gives the same numbers, its table. */
import { html, signal, useLayoutEffect, useRef } from "./vendor/preact.js";
import { shared } from "./address.js";
import { isPasted } from "./own.js";
import { here, panel, room } from "./state.js";
import { t } from "./words.js";

const isCopied = signal(false);
const COPIED = 2000; // milliseconds that it is said

/** Return the address of the picture, for somebody else; a frame without one gives the hash alone. */
function link() {
  const hash = `#${shared()}`;
  return location.protocol === "about:" ? hash : location.href.split("#")[0] + hash;
}

/** Copy a text, where the browser lets us; it can be selected otherwise. @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    /** @type {any} */ (document.querySelector(".panel textarea"))?.select();
    if (!document.execCommand("copy")) return;
  }
  isCopied.value = true;
  setTimeout(() => (isCopied.value = false), COPIED);
}

/** Return rows as CSV: what holds a comma, a quote or a line break in quotes. @param {any[][]} rows */
export function csv(rows) {
  const cell = (/** @type {any} */ one) => (/[",\n]/.test(String(one)) ? `"${String(one).replaceAll('"', '""')}"` : String(one));
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** Hand the table on screen over as a file. */
export function saveTable() {
  const { head, rows } = room.value.table(here());
  const file = new Blob(["\ufeff", csv([head, ...rows])], { type: "text/csv" });
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(file);
  anchor.download = `whygrad-${room.value.name}.csv`;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), COPIED);
}

/** What is there to copy: it is shown, so that it can be read and selected. */
export function Panel() {
  const name = panel.value;
  const dialog = useRef(/** @type {any} */ (null));
  useLayoutEffect(() => {
    if (name) dialog.current?.showModal();
    else dialog.current?.close();
    isCopied.value = false;
  }, [name]);
  const text = name === "python" ? room.value.python(here()) : name === "link" ? link() : "";
  return html`<dialog ref=${dialog} class="panel" aria-label=${t(`share.${name || "link"}`)} onClose=${() => (panel.value = "")}>
    ${name && html`<h2>${t(`share.${name}`)}</h2>
      <p>${t(name === "link" && isPasted() ? "share.link.without" : `share.${name}.says`)}</p>
      <textarea readonly rows=${Math.min(text.split("\n").length + 1, 24)} spellcheck="false" aria-label=${t(`share.${name}`)} wrap=${name === "link" ? "soft" : "off"}>${text}</textarea>
      <div class="row">
        <button type="button" class="action" onClick=${() => copy(text)}>${t("share.copy")}</button>
        <span role="status">${isCopied.value ? t("share.copied") : ""}</span>
        <button type="button" class="quiet" onClick=${() => (panel.value = "")}>${t("number.close")}</button>
      </div>`}
  </dialog>`;
}
