// Finds sections of reports in which every word of the query begins a word. The query
// stands in the address: index.html?q=hazard, or index.html#q=hazard while typing.
"use strict";
(() => {
  const MOST = 50;
  const WEIGHTS = { title: 3, heading: 5, text: 1 };
  const AROUND = 90; // letters shown on each side of a word that is found

  // Without accents and capitals, letter for letter, so that places stay the same.
  const plain = (text) =>
    text.toLowerCase().replace(/[^\x00-\x7f]/gu, (letter) => {
      const base = letter.normalize("NFKD").replace(/\p{M}/gu, "");
      return base.length === letter.length ? base : letter;
    });
  const wordsOf = (query) => plain(query).match(/[\p{L}\p{N}.]+/gu) || [];
  const pattern = (word) =>
    new RegExp(`(?<![\\p{L}\\p{N}])${word.replace(/\./g, "\\.")}`, "gu");

  const reports = JSON.parse(document.getElementById("sections").textContent);
  const sections = reports.flatMap(({ page, title, sections }) =>
    sections.map(([anchor, heading, text]) => ({
      href: anchor ? `${page}#${anchor}` : page,
      title,
      heading,
      text,
      searched: { title: plain(title), heading: plain(heading), text: plain(text) },
    }))
  );

  function scoreOf(section, patterns) {
    let score = 0;
    for (const one of patterns) {
      let found = 0;
      for (const part in WEIGHTS) {
        const times = (section.searched[part].match(one) || []).length;
        found += WEIGHTS[part] * Math.log1p(times);
      }
      if (!found) return 0;
      score += found;
    }
    return score;
  }

  function element(name, text, parent) {
    const made = document.createElement(name);
    made.textContent = text;
    return parent ? parent.appendChild(made) : made;
  }

  // The text around the first place at which a word is found, which is marked.
  function excerpt({ text, searched }, word) {
    const match = pattern(word).exec(searched.text);
    if (!match) return "";
    const first = match.index;
    const last = first + match[0].length;
    const near = first - AROUND;
    const far = last + AROUND;
    const from = near > 0 ? Math.min(first, text.indexOf(" ", near) + 1) : 0;
    const to = far < text.length ? Math.max(last, text.lastIndexOf(" ", far)) : far;
    const line = document.createElement("p");
    line.append((from ? "… " : "") + text.slice(from, first));
    element("mark", text.slice(first, last), line);
    line.append(text.slice(last, to) + (to < text.length ? " …" : ""));
    return line;
  }

  const list = document.getElementById("found");
  const status = document.getElementById("status");
  const all = document.getElementById("reports");

  function show(query) {
    const words = wordsOf(query);
    list.replaceChildren();
    list.hidden = !words.length;
    all.hidden = Boolean(words.length);
    status.textContent = "";
    if (!words.length) return;
    const patterns = words.map(pattern);
    const found = sections
      .map((section) => ({ section, score: scoreOf(section, patterns) }))
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score);
    for (const { section } of found.slice(0, MOST)) {
      const item = element("li", "", list);
      const link = element("a", section.heading || section.title, item);
      link.href = section.href;
      if (section.heading) item.append(` in ${section.title}`);
      item.append(excerpt(section, words[0]));
    }
    const places = found.length === 1 ? "1 section" : `${found.length} sections`;
    const first = found.length > MOST ? `; the first ${MOST} are shown` : "";
    status.textContent = `Found in ${places}${first}.`;
  }

  const form = document.querySelector(".site-search");
  const input = document.getElementById("query");
  const asked = () => {
    const hash = new URLSearchParams(location.hash.slice(1));
    return hash.get("q") ?? new URLSearchParams(location.search).get("q") ?? "";
  };
  const update = () => {
    if (input.value !== asked()) input.value = asked();
    show(input.value);
  };
  const ask = () => location.replace(`#q=${encodeURIComponent(input.value)}`);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  input.addEventListener("input", ask);
  window.addEventListener("hashchange", update);
  update();
})();
