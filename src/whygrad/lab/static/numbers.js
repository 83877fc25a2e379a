/** How numbers are shown: as `whygrad.words.number` writes them. */

const MINUS = "\u2212";
const FAR = 40; // digits that tell a tie from what only looks like one

/**
 * Return a number with `digits` significant digits, alike in every language.
 * @param {number} value
 * @param {number} digits
 */
export function number(value, digits = 4) {
  if (Number.isNaN(value)) return "NaN";
  const sign = value < 0 ? MINUS : "";
  const size = Math.abs(value);
  if (size === Infinity) return `${sign}∞`;
  if (size === 0) return "0";
  const [mantissa, power] = rounded(size, digits).split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= digits) return `${sign}${trimmed(mantissa)}e${exponent}`;
  const shown = mantissa.replace(".", "");
  const point = exponent + 1;
  if (point > 0) return sign + trimmed(`${shown.slice(0, point)}.${shown.slice(point)}`);
  return sign + trimmed(`0.${"0".repeat(-point)}${shown}`);
}

/** Return what a printed number says, to calculate with; NaN where a text is none. @param {string} text */
export const readNumber = (text) => (text === "½" ? 0.5 : Number(text.replace(MINUS, "-").replace("∞", "Infinity") || NaN));

/** Return a number as it is shown, to calculate with. @param {number} value @param {number} [digits] */
export const asShown = (value, digits) => readNumber(number(value, digits));

/** Return the sign between a result and what it is made of: "=" only where a calculator finds the
 * numbers that are shown equal. @param {number} result @param {number} ofShown what the shown numbers make
 * @param {number} [digits] */
export const equals = (result, ofShown, digits) => (number(result, digits) === number(ofShown, digits) ? "=" : "≈");

/**
 * Return a size as `d.ddde±x`. JavaScript rounds a tie up, Python to the even digit.
 * @param {number} size
 * @param {number} digits
 */
function rounded(size, digits) {
  const up = size.toExponential(digits - 1);
  const [exact, power] = size.toExponential(FAR).split("e");
  const kept = digits > 1 ? digits + 1 : 1; // with the point
  const rest = exact.slice(kept).replace(".", "");
  const isTie = rest === `5${"0".repeat(rest.length - 1)}`;
  const isEven = "02468".includes(exact[kept - 1]);
  return isTie && isEven ? `${exact.slice(0, kept)}e${power}` : up;
}

/** Return a decimal without zeros at its end. @param {string} text */
function trimmed(text) {
  return text.includes(".") ? text.replace(/\.?0*$/, "") : text;
}
