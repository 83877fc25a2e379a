/** Where everything stands in the picture: from left to right, or on a phone from top to bottom. */

/** @typedef {{x: number, y: number}} Spot */
/** @typedef {{view: number[], box: {width: number, height: number}, loss: Spot, isAcross: boolean,
 *   at: (l: number, k: number) => Spot}} Layout */

const spread = (/** @type {number} */ count, /** @type {number} */ k, /** @type {number} */ middle, /** @type {number} */ apart) =>
  middle + (k - (count - 1) / 2) * apart;
const SIZES = [2, 3, 2, 1];

/** @type {Layout} */
export const WIDE_LAYOUT = {
  view: [0, 0, 900, 440],
  box: { width: 108, height: 70 },
  loss: { x: 846, y: 232 },
  isAcross: true,
  at: (l, k) => ({ x: [58, 262, 478, 682][l], y: spread(SIZES[l], k, 232, l === 1 ? 140 : 170) }),
};

/** @type {Layout} */
export const NARROW_LAYOUT = {
  view: [0, 0, 360, 464],
  box: { width: 92, height: 58 },
  loss: { x: 304, y: 432 },
  isAcross: false,
  at: (l, k) => ({ x: spread(SIZES[l], k, 180, l === 1 ? 120 : 140), y: [48, 176, 304, 432][l] }),
};

/** Return the ends of a connection, at the rims of its neurons.
 * @param {Layout} layout @param {Spot} from @param {Spot} to */
export function ends({ box, isAcross }, from, to) {
  const half = isAcross ? { x: box.width / 2, y: 0 } : { x: 0, y: box.height / 2 };
  return [{ x: from.x + half.x, y: from.y + half.y }, { x: to.x - half.x, y: to.y - half.y }];
}

/** Return a connection as a curve that leaves and arrives along the layers.
 * @param {Layout} layout @param {Spot} from @param {Spot} to */
export function curve(layout, from, to) {
  const [start, end] = ends(layout, from, to);
  const middle = layout.isAcross ? (start.x + end.x) / 2 : (start.y + end.y) / 2;
  const by = layout.isAcross ? `${middle} ${start.y} ${middle} ${end.y}` : `${start.x} ${middle} ${end.x} ${middle}`;
  return `M${start.x} ${start.y} C${by} ${end.x} ${end.y}`;
}

/** Return the point of a connection's curve at a share of the way.
 * @param {Layout} layout @param {Spot} from @param {Spot} to @param {number} t */
export function pointOn(layout, from, to, t) {
  const [start, end] = ends(layout, from, to);
  const along = (/** @type {number} */ p, /** @type {number} */ q, /** @type {boolean} */ isFlow) => {
    const middle = (p + q) / 2;
    const [b, c] = isFlow ? [middle, middle] : [p, q];
    return (1 - t) ** 3 * p + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t * t * c + t ** 3 * q;
  };
  return { x: along(start.x, end.x, layout.isAcross), y: along(start.y, end.y, !layout.isAcross) };
}
