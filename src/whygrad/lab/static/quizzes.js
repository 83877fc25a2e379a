/**
 * Guess first, then see: a question with a few answers, the experiment that answers it, and what
 * the page finds there. Results stay in this page; a code of eight letters hands them in.
 *
 * @typedef {import("./state.js").Set} Set
 * @typedef {{name: string, answers: string[], set: Set, look?: string, steps?: number,
 *   found: (here: any, before: any) => {answer: string, values: Record<string, any>}}} Quiz
 *   the experiment is the room as it opens, with the controls of `set`, after `steps`; `found` reads
 *   off it which answer is right and what the sentence tells, `before` is the room as it opens
 * @typedef {{first: string, last: string, isRight?: boolean}} Guess is right: whether the first one was
 */
import { html, signal, useEffect } from "./vendor/preact.js";
import { codeOf } from "./codes.js";
import { isPlaying } from "./player.js";
import { change, cleaned, go, here, lookAt, packed, room, slide, startOf } from "./state.js";
import { isSaid, t, told } from "./words.js";

const guesses = signal(/** @type {Record<string, Guess>} */ ({}));
const turns = signal(/** @type {Record<string, number>} */ ({})); // which of its quizzes a room is at

/** Return the controls of the experiment. @param {any} of the room @param {Quiz} quiz @returns {Set} */
const setOf = (of, quiz) => cleaned(of, { ...startOf(of), ...quiz.set });

/** Return what an experiment finds, once the page shows it. @param {any} now @param {Quiz} quiz */
function foundIn(now, quiz) {
  const wanted = setOf(now.room, quiz);
  const isThere = now.step === (quiz.steps ?? 0) && Object.keys(wanted).every((name) => now.set[name] === wanted[name]);
  if (!isThere) return undefined;
  const set = startOf(now.room);
  return quiz.found(now, { room: now.room, set, run: now.room.begin(set), step: 0, look: now.look });
}

/** @param {string} name of the room @param {string} answer */
function labelOf(name, answer) {
  const key = `${name}.answer.${answer}`;
  return isSaid(key) ? told(key) : answer;
}

/** How many guesses there are, and the code once the room has no question left. @param {{isDone: boolean}} props */
function Progress({ isDone }) {
  const quizzes = /** @type {string[]} */ (packed.quizzes);
  const results = quizzes.map((one) => guesses.value[one]?.isRight);
  const [done, right] = [results.filter((one) => one !== undefined).length, results.filter(Boolean).length];
  if (done === 0) return null;
  return html`<p class="progress">${t("quiz.progress", { done: String(done), all: String(quizzes.length), right: String(right) })}
    ${isDone && html` ${told("quiz.code", { code: html`<b class="code-letters">${codeOf(quizzes, results)}</b>` })}`}</p>`;
}

/**
 * The quiz that the room is at.
 * @param {{onShow?: (to: Set) => void, isWaiting?: boolean}} props `onShow` goes to the experiment's
 *   controls in the room's own way; it waits for its time where the room has one
 */
export function Quizzes({ onShow = change, isWaiting = false }) {
  const { name, quizzes } = room.value;
  const at = turns.value[name] ?? 0;
  const quiz = /** @type {Quiz} */ (quizzes[at]);
  const key = `${name}.${quiz.name}`;
  const guess = guesses.value[key];
  const found = guess && foundIn(here(), quiz);
  const put = (/** @type {Guess} */ one) => (guesses.value = { ...guesses.value, [key]: one });
  useEffect(() => {
    if (found && guess.isRight === undefined) put({ ...guess, isRight: found.answer === guess.first });
  });
  if (packed.task || slide.value >= 0) return null;
  const choose = (/** @type {string} */ answer) => {
    put({ ...(guess ?? { first: answer }), last: answer });
    isPlaying.value = false;
    onShow(setOf(room.value, quiz));
    if (quiz.look) lookAt(quiz.look);
    if (quiz.steps) go(quiz.steps);
  };
  const isDone = quizzes.every((/** @type {Quiz} */ one) => guesses.value[`${name}.${one.name}`]?.isRight !== undefined);
  const verdict = found && [
    told(found.answer === guess.last ? "quiz.right" : "quiz.wrong", { answer: html`<b>${labelOf(name, found.answer)}</b>` }), " ",
    told(`${name}.quiz.${quiz.name}.shows`, found.values),
  ];
  return html`<section class="quiz ${isWaiting ? "waiting" : ""}" aria-labelledby="quiz">
    <p class="question" id="quiz">${told(`${name}.quiz.${quiz.name}`)}</p>
    <div class="row">${quiz.answers.map((one) => html`<button type="button" key=${one} class="answer" data-answer=${one} aria-pressed=${guess?.last === one} onClick=${() => choose(one)}>${labelOf(name, one)}</button>`)}</div>
    <p role="status" class="verdict">${verdict}</p>
    <div class="row"><${Progress} isDone=${isDone} />
      ${guess?.isRight !== undefined && !isDone && html`<button type="button" class="answer next" onClick=${() => (turns.value = { ...turns.value, [name]: (at + 1) % quizzes.length })}>${t("quiz.next")}</button>`}</div>
  </section>`;
}
