"use strict";
// Language and colours: what is chosen stands in the address, so that a link shows the same page.
(() => {
  const root = document.documentElement;
  const asked = new URLSearchParams(location.hash.slice(1));
  const chosen = {
    lang: asked.get("lang") === "en" || asked.get("lang") === "zh-Hans" ? asked.get("lang") : root.lang,
    theme: asked.get("theme") === "light" || asked.get("theme") === "dark" ? asked.get("theme") : "auto",
  };

  function show() {
    root.lang = chosen.lang;
    root.dataset.theme = chosen.theme;
    for (const [name, value] of Object.entries(chosen)) {
      for (const button of document.querySelectorAll(`button[data-${name}]`)) {
        button.setAttribute("aria-pressed", String(button.dataset[name] === value));
      }
    }
  }

  function remember(at) {
    const hash = new URLSearchParams(chosen);
    if (at) hash.set("at", at);
    history.replaceState(null, "", `#${hash}`);
  }

  function go(at, behavior) {
    const place = at && document.getElementById(at);
    if (place) place.scrollIntoView({ behavior });
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const link = event.target.closest("nav a");
    if (button) {
      for (const name of Object.keys(chosen)) {
        if (name in button.dataset) chosen[name] = button.dataset[name];
      }
      show();
      remember(new URLSearchParams(location.hash.slice(1)).get("at"));
    } else if (link) {
      event.preventDefault();
      go(link.hash.slice(1), "auto");
      remember(link.hash.slice(1));
    }
  });

  root.classList.add("scripted");
  show();
  go(asked.get("at"), "instant");
})();
