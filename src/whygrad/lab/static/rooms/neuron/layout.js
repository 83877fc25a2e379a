/** Where everything stands in the picture of one neuron: on a wide screen, and on a narrow one. */

/** @typedef {{x: number, y: number}} Spot */

export const WIDE_LAYOUT = {
  view: [0, 0, 900, 450],
  source: { x: 62, y: 300 }, constant: { x: 62, y: 126 },
  tap: { x: 235, y: 300 }, tank: { x: 235, y: 126 },
  z: { x: 440, y: 213 }, a: { x: 628, y: 213 }, C: { x: 816, y: 213 },
  radius: 50, sourceRadius: 34,
  chips: {
    weight: { x: 235, y: 252 }, bias: { x: 235, y: 62 },
    upstream: { x: 728, y: 318 }, slope: { x: 570, y: 318 }, delta: { x: 450, y: 318 },
    weightGradient: { x: 352, y: 402 }, biasGradient: { x: 352, y: 40 }, target: { x: 816, y: 88 },
  },
  sliders: {
    input: { x: 12, y: 364, length: 100 }, weight: { x: 180, y: 364, length: 110 },
    bias: { x: 180, y: 188, length: 110 }, target: { x: 766, y: 124, length: 100 },
  },
  times: { weight: { x: 340, y: 346 }, bias: { x: 392, y: 96 } },
  pipes: {
    input: "M94 300 H206", weightFlow: "M264 300 H330 C372 300 372 240 400 226",
    constant: "M94 126 H206", bias: "M264 126 H330 C372 126 372 186 398 200",
    preactivation: "M490 213 H578", output: "M678 213 H766",
  },
  back: {
    upstream: "M796 262 C786 290 660 290 648 266", slope: "M608 262 C598 290 472 290 460 266",
    weight: "M410 256 C396 292 380 322 330 322 H274", bias: "M410 170 C396 134 380 104 330 104 H274",
  },
};

export const NARROW_LAYOUT = {
  view: [0, 0, 360, 440],
  source: { x: 40, y: 36 }, constant: { x: 322, y: 34 },
  tap: { x: 40, y: 128 }, tank: { x: 322, y: 128 },
  z: { x: 50, y: 298 }, a: { x: 176, y: 298 }, C: { x: 304, y: 298 },
  radius: 42, sourceRadius: 31,
  chips: {
    weight: { x: 120, y: 100 }, bias: { x: 240, y: 100 },
    upstream: { x: 238, y: 388 }, slope: { x: 144, y: 388 }, delta: { x: 50, y: 388 },
    weightGradient: { x: 120, y: 194 }, biasGradient: { x: 240, y: 194 }, target: { x: 322, y: 376 },
  },
  sliders: {
    input: { x: 92, y: 34, length: 100 }, weight: { x: 86, y: 146, length: 70 },
    bias: { x: 204, y: 146, length: 70 }, target: { x: 294, y: 420, length: 56 },
  },
  times: { weight: { x: 86, y: 236 }, bias: { x: 272, y: 236 } },
  pipes: {
    input: "M40 62 V102", weightFlow: "M40 156 V256",
    constant: "M322 62 V102", bias: "M322 156 V232 C322 244 314 250 302 250 H92 C74 250 66 254 64 262",
    preactivation: "M92 298 H134", output: "M218 298 H262",
  },
  back: {
    upstream: "M288 340 C280 352 200 352 192 340", slope: "M160 340 C152 352 74 352 66 340",
    weight: "M22 258 V160", bias: "M88 270 C100 266 110 264 130 264 H310 C334 262 338 250 338 236 V160",
  },
};
