/**
 * What a pocket calculator makes of a formula: of its numbers as they are printed, and of nothing
 * else. `lessons/rendering/calculator.py` does the same for lessons.
 */
import { ACTIVATIONS } from "./engine.js";
import { asShown, equals, readNumber } from "./numbers.js";

const DIGITS = 4; // of a printed number, at least: 0.5 stands for 0.5000
const UNKNOWN = "?"; // a mark that stands for a symbol
const OTHERS = ["+", "−", ")", "|", UNKNOWN, undefined]; // that begin no factor
const OPEN = ["mrow", "mtd", "mtr", "mtable", "math"]; // their marks are those of what is inside

/** Return the marks of what stands in a formula: numbers, signs, names of activations.
 * @param {any} part text, elements, or lists of them @returns {string[]} */
export function marksOf(part) {
  if (Array.isArray(part)) return part.flatMap(marksOf);
  if (typeof part === "string") return [...part.replaceAll(" ", "")];
  if (!part?.type) return [];
  const { children, "data-rule": rule } = part.props;
  const inside = [children].flat();
  if (part.type === "mn") return [inside.join("")];
  if (part.type === "mo" || OPEN.includes(part.type)) return marksOf(inside);
  if (part.type === "mfrac") return ["(", ...marksOf(inside[0]), ")", "÷", "(", ...marksOf(inside[1]), ")"];
  if (part.type === "mspace") return [];
  return [rule ?? UNKNOWN];
}

/** Reads a sum of products from left to right. What it cannot read makes it unsure. */
class Reader {
  /** @param {string[]} marks */
  constructor(marks) {
    this.marks = marks;
    this.at = 0;
    this.isSure = true;
  }

  /** @param {string} mark */
  takes(mark) {
    const isThere = this.marks[this.at] === mark;
    this.at += Number(isThere);
    return isThere;
  }

  /** @returns {number} */
  sum() {
    let value = this.product();
    for (;;) {
      if (this.takes("+")) value += this.product();
      else if (this.takes("−")) value -= this.product();
      else return value;
    }
  }

  /** @returns {number} */
  product() {
    let value = this.signed();
    for (;;) {
      if (this.takes("÷")) value /= this.signed();
      else if (this.takes("·") || this.takes("×") || !OTHERS.includes(this.marks[this.at])) value *= this.signed();
      else return value;
    }
  }

  /** @returns {number} */
  signed() {
    if (this.takes("−")) return -this.signed();
    const value = this.single();
    return this.takes("²") ? value * value : value;
  }

  /** @returns {number} */
  single() {
    if (this.takes("(")) return this.closed(")");
    if (this.takes("|")) return Math.abs(this.closed("|"));
    const mark = this.marks[this.at++] ?? UNKNOWN;
    if (Object.hasOwn(ACTIVATIONS, mark) && this.takes("(")) return ACTIVATIONS[mark].value(this.closed(")"));
    const value = readNumber(mark);
    this.isSure &&= mark === "NaN" || !Number.isNaN(value);
    return value;
  }

  /** @param {string} end */
  closed(end) {
    const value = this.sum();
    this.isSure &&= this.takes(end);
    return value;
  }
}

/** A side of an equation: what it comes to, and the digits that a calculator has to show.
 * @typedef {{value: number, digits: number}} Side */

/** Return what the parts of a formula come to; nothing where they hold more than numbers.
 * @param {any[]} parts @returns {Side | undefined} */
export function calculated(parts) {
  const marks = marksOf(parts);
  const reader = new Reader(marks);
  const value = reader.sum();
  if (!reader.isSure || reader.at < marks.length) return undefined;
  return { value, digits: marks.length === 1 ? Math.max(DIGITS, digitsOf(marks[0])) : DIGITS };
}

/** @param {string} mark */
const digitsOf = (mark) => mark.split("e")[0].replace(/\D/g, "").replace(/^0+/, "").length;

/** Return a number that is printed elsewhere as a side of an equation. @param {number} value @returns {Side} */
export const printed = (value) => ({ value: asShown(value), digits: DIGITS });

/** Return the sign between two sides. @param {Side} one @param {Side} other */
export const relation = (one, other) => equals(one.value, other.value, Math.max(one.digits, other.digits));
