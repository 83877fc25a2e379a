/**
 * The words of the page, in the language in use. A placeholder `{name}` is filled in; one with
 * forms, `{steps:step|steps}`, takes the form that its number has in the language.
 */
import { html } from "./vendor/preact.js";
import { number } from "./numbers.js";
import { language, packed } from "./state.js";

const PLACEHOLDER = /\{(\w+)(?::([^}]*))?\}/g;
const CATEGORIES = ["zero", "one", "two", "few", "many", "other"]; // in the order of their forms
const SYMBOLS = /a_in/g;

/** Return a sentence as its parts: texts, and what its placeholders stand for.
 * @param {string} key @param {Record<string, any>} values @returns {any[]} */
function parts(key, values) {
  const text = packed.words[language.value]?.[key] ?? packed.words.en?.[key] ?? key;
  const found = [];
  let end = 0;
  for (const { 0: whole, 1: name, 2: forms, index } of text.matchAll(PLACEHOLDER)) {
    found.push(text.slice(end, index));
    found.push(forms === undefined ? written(values[name]) : formOf(forms.split("|"), values[name]));
    end = index + whole.length;
  }
  return [...found, text.slice(end)];
}

/** @param {any} value */
const written = (value) => (typeof value === "number" ? number(value) : value);

/** @param {string[]} forms @param {number} count */
function formOf(forms, count) {
  const rules = new Intl.PluralRules(language.value === "zh-Hans" ? "zh" : language.value);
  const own = CATEGORIES.filter((one) => rules.resolvedOptions().pluralCategories.includes(/** @type {any} */ (one)));
  return forms[own.indexOf(rules.select(count))];
}

/** Return a sentence as text. @param {string} key @param {Record<string, any>} [values] */
export function t(key, values = {}) {
  return parts(key, values).join("");
}

/** Return a sentence for the page: its values may be elements, its symbols are set as such.
 * @param {string} key @param {Record<string, any>} [values] */
export function told(key, values = {}) {
  return parts(key, values).map((part) => (typeof part === "string" ? withSymbols(part) : part));
}

/** @param {string} text */
function withSymbols(text) {
  return text.split(SYMBOLS).flatMap((part, i) => (i === 0 ? [part] : [html`<i>a</i><sub>in</sub>`, part]));
}

/** Return sentences that follow one another: in Chinese, no space stands between them. @param {string[]} sentences */
export const joined = (sentences) => sentences.join(language.value === "zh-Hans" ? "" : " ");

/** Return whether the catalogue says something. @param {string} key */
export function isSaid(key) {
  return key in packed.words.en || key in (packed.words[language.value] ?? {});
}
