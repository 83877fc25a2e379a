/**
 * Go to an address and return what the page prints there: text by lines, formulas as MathML, and
 * what has to be put together, such as a table whose last row adds up the others.
 */
async ([hash, room, step]) => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const all = (selector, of = document) => [...of.querySelectorAll(selector)];
  const markup = (one) => new XMLSerializer().serializeToString(one);
  const text = (one) => one?.textContent;

  history.replaceState(null, "", `#${hash}`);
  dispatchEvent(new HashChangeEvent("hashchange"));
  const isThere = () =>
    document.querySelector(`main .${room}`) &&
    (step === null || text(document.querySelector(".step-count"))?.match(/\d+/)[0] === step);
  for (let i = 0; i < 2 || !isThere(); i++) {
    if (i > 3000) throw new Error(`nothing to see at ${hash}`);
    await frame();
  }
  for (const one of all(".asked .action, .doubt-button")) one.click();
  for (let i = 0; i < 2; i++) await frame();

  const BLOCKS = ["flex", "grid", "block", "list-item", "table", "table-row", "table-caption"];
  const told = (one) => {
    if (one.nodeType === Node.TEXT_NODE) return one.data;
    if (["math", "svg", "select"].includes(one.localName)) return " § ";
    const inside = [...one.childNodes].map(told).join("");
    const { display } = getComputedStyle(one);
    if (display === "table-cell") return ` ${inside} `;
    return BLOCKS.includes(display) ? `\n${inside}\n` : inside;
  };

  /** A drawing, by lines: what stands at the same height. */
  const drawn = (svg) => {
    const rows = [];
    const placed = all("text", svg).map((one) => {
      const at = new DOMPoint(one.getAttribute("x"), one.getAttribute("y"));
      const { left } = one.getBoundingClientRect();
      return { text: text(one), y: at.matrixTransform(one.getScreenCTM()).y, left };
    });
    for (const one of placed.sort((one, other) => one.y - other.y)) {
      const row = rows.at(-1);
      if (row && one.y - row.at(-1).y < 3) row.push(one);
      else rows.push([one]);
    }
    return rows.map((row) => row.sort((one, other) => one.left - other.left).map(text).join(" "));
  };

  const product = (row) => row && [text(row.children[1]), text(row.lastElementChild)];
  const asked = document.querySelector(".asked");
  return {
    lines: [
      told(document.getElementById("lab")),
      ...all("svg").flatMap(drawn),
      ...all("[aria-label]").map((one) => one.getAttribute("aria-label")),
    ].join("\n"),
    spoken: all("math[aria-label]").map((one) => one.getAttribute("aria-label")),
    formulas: all("math").filter((one) => !one.closest(".from")).map(markup),
    value: asked && markup(asked.querySelector(".value math")),
    from: all(".asked .from math").filter((one) => !one.closest("table")).map(markup),
    doubt: all(".asked .doubt dd").map(text),
    tables: all("table.terms").map((table) => ({
      terms: all("tr:not(.total, .result) .product", table).map(text),
      total: product(table.querySelector(".total")),
      mean: product(table.querySelector(".result")),
    })),
    sums: all("svg.sum").map((svg) => ({
      values: all(".ask text", svg).map(text),
      signs: all("text.term", svg).map(text).filter((one) => ["=", "≈"].includes(one)),
    })),
  };
};
