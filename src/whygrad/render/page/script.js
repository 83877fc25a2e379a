"use strict";
// Language, colours, and what a sample of a batch is, where a page can tell it in two ways: what is
// chosen stands in the address, so that a link shows the same page.
(() => {
  const root = document.documentElement;
  const ALLOWED = { lang: ["en", "zh-Hans"], theme: ["auto", "light", "dark"], samples: ["rows", "columns"] };
  const chosen = { lang: root.lang, theme: "auto" };
  const sides = [...document.querySelectorAll(".oriented input")];
  if (sides.length) chosen.samples = sides[0].value;

  /** What the address asks for; `#name` alone is a place on the page. */
  function asked() {
    const hash = decodeURIComponent(location.hash.slice(1));
    return hash.includes("=") ? Object.fromEntries(new URLSearchParams(hash)) : { at: hash };
  }

  function choose(wishes) {
    for (const [name, allowed] of Object.entries(ALLOWED)) {
      if (name in chosen && allowed.includes(wishes[name])) chosen[name] = wishes[name];
    }
    root.lang = chosen.lang;
    root.dataset.theme = chosen.theme;
    for (const button of document.querySelectorAll("button[data-lang], button[data-theme]")) {
      const [[name, value]] = Object.entries(button.dataset);
      button.setAttribute("aria-pressed", String(chosen[name] === value));
    }
    for (const side of sides) side.checked = side.value === chosen.samples;
    for (const link of document.querySelectorAll("a.lab")) { // the lab opens as this page looks
      const hash = new URLSearchParams(link.hash.slice(1));
      for (const name of ["lang", "theme"]) hash.set(name, chosen[name]);
      if (hash.has("layout") && chosen.samples) hash.set("layout", chosen.samples);
      link.hash = `#${hash}`;
    }
  }

  function address(at) {
    return `#${new URLSearchParams(at ? { ...chosen, at } : chosen)}`;
  }

  function go(at, behavior) {
    const place = at && document.getElementById(at);
    if (!place) return;
    place.scrollIntoView({ behavior });
    if (!place.hasAttribute("tabindex")) place.setAttribute("tabindex", "-1");
    place.focus({ preventScroll: true }); // the next Tab goes on from here
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-lang], button[data-theme]");
    const link = event.target.closest("a[href^='#']");
    if (button) {
      const at = asked().at;
      choose(button.dataset);
      history.replaceState(null, "", address(at));
    } else if (link && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
      event.preventDefault();
      const at = link.hash.slice(1);
      if (at !== asked().at) history.pushState(null, "", address(at));
      go(at, "auto");
    }
  });
  // What turns one batch turns all of the page; the one that the reader is at stays where it is.
  document.addEventListener("change", ({ target }) => {
    if (!sides.includes(target)) return;
    const { top } = target.getBoundingClientRect();
    choose({ samples: target.value });
    history.replaceState(null, "", address(asked().at));
    scrollBy({ top: target.getBoundingClientRect().top - top, behavior: "instant" });
  });
  addEventListener("popstate", () => {
    choose(asked());
    go(asked().at, "instant");
  });

  // Code to type can be copied.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    button.dataset.done = "";
    setTimeout(() => delete button.dataset.done, 1500);
  });

  // What scrolls sideways can be reached by keyboard; what does not is no stop on the way.
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const scrolls = target.scrollWidth > target.clientWidth + 1 || target.scrollHeight > target.clientHeight + 1;
      target.toggleAttribute("tabindex", scrolls);
      if (scrolls) target.setAttribute("tabindex", "0");
    }
  });
  for (const box of document.querySelectorAll(".scroll")) sizes.observe(box);

  // The contents show where the reader is.
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const inView = new Set();
  const places = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) inView[isIntersecting ? "add" : "delete"](target.id);
    const here = [...links.keys()].filter((id) => inView.has(id)).pop();
    for (const [id, link] of links) {
      if (id === here) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }, { rootMargin: "-25% 0px -70% 0px" });
  for (const id of links.keys()) places.observe(document.getElementById(id));

  root.classList.add("scripted");
  choose(asked());
  go(asked().at, "instant");
})();
