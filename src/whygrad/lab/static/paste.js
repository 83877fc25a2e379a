/** The dialog in which a table is pasted, and the line that says what a room learns from. */
import { html, useLayoutEffect, useRef } from "./vendor/preact.js";
import { number } from "./numbers.js";
import { called, canGoBack, found, goBack, isOpen, learnt, open, pasted, refused, take, use, write } from "./own.js";
import { counted, misfit, MOST_COLUMNS, MOST_ROWS } from "./samples.js";
import { given, own, room, taskOf } from "./state.js";
import { joined, t } from "./words.js";

const FIRST = 3; // values of a column that are shown

/** What was understood of a table. @param {{table: import("./data.js").Table}} props */
function Facts({ table: { head, cells, separator, hasCommas } }) {
  const facts = {
    size: `${cells.length} × ${(head ?? cells[0]).length}`, head: t(`data.head.${head ? "names" : "sample"}`),
    separator: t(`data.separator.${separator}`), decimal: t(`data.decimal.${hasCommas ? "comma" : "point"}`),
  };
  return html`<dl class="facts">${Object.entries(facts).map(([name, fact]) => html`<div><dt>${t(`data.fact.${name}`)}</dt><dd>${fact}</dd></div>`)}</dl>`;
}

/** The columns as the room takes them. @param {{of: import("./samples.js").Own}} props */
function Columns({ of: { columns, kind, isStandard } }) {
  const isScaled = (/** @type {number} */ i) => isStandard && (kind === "quantity" || i < columns.length - 1);
  const heads = ["column", "values", ...(isStandard ? ["mean", "spread"] : [])];
  return html`<table class="columns">
    <thead><tr><td></td>${heads.map((name) => html`<th scope="col">${t(`data.about.${name}`)}</th>`)}</tr></thead>
    <tbody>${columns.map((one, i) => html`<tr>
      <th scope="row">${symbolOf(i, columns.length)}</th><td class="name">${called(one)}</td>
      <td>${one.values.slice(0, FIRST).map((value) => number(value)).join(", ")}${one.values.length > FIRST ? "…" : ""}</td>
      ${isStandard && [one.mean, one.spread].map((value) => html`<td>${isScaled(i) ? number(value) : "–"}</td>`)}
    </tr>`)}</tbody></table>`;
}

/** Return what a column is called in formulas. @param {number} i @param {number} count */
const symbolOf = (i, count) => (i === count - 1 ? html`<var>y</var>` : html`<var>x<sub>${i + 1}</sub></var>`);

/** What to decide: the target, and whether columns are standardised. @param {{table: import("./data.js").Table}} props */
function Choices({ table: { head, cells } }) {
  const { target, isStandard } = pasted.value;
  const names = head ?? cells[0].map(() => "");
  return html`<div class="row">
    <label class="choice"><span>${t("data.target")}</span>
      <select value=${String(target < 0 ? names.length - 1 : target)} onChange=${(/** @type {any} */ event) => write({ target: Number(event.target.value) })}>
        ${names.map((name, i) => html`<option value=${String(i)}>${called({ name, place: i + 1 })}</option>`)}</select></label>
    <button type="button" class="toggle" role="switch" aria-checked=${isStandard} title=${t("data.standardise.says")} onClick=${() => write({ isStandard: !isStandard })}>
      <i aria-hidden="true"></i>${t("data.standardise")}</button>
  </div>`;
}

/** The dialog. */
function Dialog() {
  const dialog = useRef(/** @type {any} */ (null));
  const shows = isOpen.value;
  useLayoutEffect(() => {
    if (shows) dialog.current?.showModal();
    else dialog.current?.close();
  }, [shows]);
  const { table, own: samples, problem: wrong } = found.value;
  const problem = refused.value ?? wrong ?? (samples && misfit(room.value, samples));
  const drop = (/** @type {any} */ event) => {
    if (!event.dataTransfer.files.length) return; // a text falls into the field by itself
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  };
  return html`<dialog ref=${dialog} class="panel own" aria-label=${t("data.title")} onClose=${() => (isOpen.value = false)}
      onDragOver=${(/** @type {any} */ event) => event.preventDefault()} onDrop=${drop}>
    ${shows && html`<h2>${t("data.title")}</h2>
      <p>${t("data.says", { rows: String(MOST_ROWS), columns: String(MOST_COLUMNS) })}</p>
      <textarea rows="7" spellcheck="false" wrap="off" aria-label=${t("data.table")} placeholder=${t("data.example")} value=${pasted.value.text} onInput=${(/** @type {any} */ event) => write({ text: event.target.value, target: -1 })}></textarea>
      <div class="row"><label class="answer file">${t("data.file")}<input type="file" accept=".csv,.tsv,.txt,text/*" onChange=${(/** @type {any} */ event) => take(event.target.files[0])} /></label>
        <span class="aside">${t("data.drop")}</span></div>
      <div role="status">${table && html`<${Facts} table=${table} />`}${problem && html`<p class="problem">${t(...problem)}</p>`}</div>
      ${!problem && samples && html`<${Columns} of=${samples} /><p>${learnt(samples)}</p>`}
      ${table && html`<${Choices} table=${table} />`}
      <div class="row">
        <button type="button" class="action" disabled=${!samples || Boolean(problem)} onClick=${use}>${t("data.use")}</button>
        ${canGoBack() && html`<button type="button" class="quiet" onClick=${goBack}>${t("data.back")}</button>`}
        <button type="button" class="quiet" onClick=${() => (isOpen.value = false)}>${t("number.close")}</button>
      </div>`}
  </dialog>`;
}

/** What the room learns from, where that is not its own, and the way to another table. */
export function Own() {
  const { data } = room.value;
  if (!data || taskOf(room.value)) return null; // a task keeps its samples
  const problem = given.value && misfit(room.value, given.value);
  const columns = own.value?.columns ?? [];
  return html`<section class="own-line" aria-label=${t("data.title")}>
    ${own.value && html`<p>${joined([t("data.in_use", { ...counted(own.value.input.rows), target: called(columns[columns.length - 1]) }), learnt(own.value)])}
      ${columns.slice(0, -1).map((one, i) => html`<span class="input">${symbolOf(i, columns.length)} ${called(one)}</span>`)}</p>`}
    ${problem && html`<p>${joined([t(...problem), t("data.kept")])}</p>`}
    <button type="button" class="quiet" onClick=${open}>${t("data.button")}</button>
    <${Dialog} />
  </section>`;
}
