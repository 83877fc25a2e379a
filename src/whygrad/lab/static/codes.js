/** The code of eight letters that is handed in. `lab/codes.py` says how it is made, and reads it. */

const ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ";
const BASE = ALPHABET.length;
const DATA = 6; // letters; two more check them

/** @param {number} value */
const within = (value) => ((value % BASE) + BASE) % BASE;

/** Return what both sums of the letters must be. @param {string[]} quizzes */
function sumsOf(quizzes) {
  const salt = [...quizzes.join(" ")].reduce((found, one) => (31 * found + one.charCodeAt(0)) % BASE ** 2, 0);
  return [salt % BASE, Math.floor(salt / BASE)];
}

/** Return the code of first guesses: right, wrong, or undefined where nothing was guessed.
 * @param {string[]} quizzes their names @param {(boolean | undefined)[]} results */
export function codeOf(quizzes, results) {
  const number = results.reduceRight((total, one) => 3 * total + (one === undefined ? 0 : one ? 2 : 1), 0);
  const places = Array.from({ length: DATA }, (_, i) => Math.floor(number / BASE ** (DATA - 1 - i)) % BASE);
  const [sum, weighted] = sumsOf(quizzes);
  const left = within(sum - places.reduce((total, one) => total + one, 0)); // for the seventh and the eighth
  const last = within(weighted - places.reduce((total, one, i) => total + (i + 1) * one, 0) - (DATA + 1) * left);
  return [...places, within(left - last), last].map((place) => ALPHABET[place]).join("");
}
