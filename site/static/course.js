// Search shows where it found something by fetching pages, which a page opened from a file may not.
if (typeof DOCUMENTATION_OPTIONS !== "undefined") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = location.protocol !== "file:";
}

// Paper is white and cannot unfold: pages are printed in the light theme, with all answers open.
let theme;
addEventListener("beforeprint", () => {
  document.querySelectorAll("details").forEach((one) => { one.open = true; });
  theme = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
});
addEventListener("afterprint", () => {
  document.documentElement.dataset.theme = theme;
});

// The race on the front page runs once, for readers who have not asked for less motion.
addEventListener("load", () => {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const start = () => {
    const play = document.querySelector(".hero-scene button[aria-label^='play' i]");
    return play ? play.click() : requestAnimationFrame(start);
  };
  if (document.querySelector(".hero-scene")) start();
});

// Search: a page whose title holds the words comes first, one wrong letter is forgiven, and what is
// shown of a page leaves out the source of its formulas.
let asked = (new URLSearchParams(location.search).get("q") || "").toLowerCase().trim();

const near = (word, term) => {  // one letter changed, left out, added, or swapped with the next
  let k = 0;
  while (k < word.length && word[k] === term[k]) k += 1;
  const rest = (a, i, b, j) => a.slice(i) === b.slice(j);
  return rest(word, k + 1, term, k + 1) || rest(word, k + 1, term, k) || rest(word, k, term, k + 1) ||
    (word[k] === term[k + 1] && word[k + 1] === term[k] && rest(word, k + 2, term, k + 2));
};

addEventListener("DOMContentLoaded", () => {
  if (typeof Search === "undefined") return;
  const { _parseQuery: parse, htmlToText: toText } = Search;
  Search._parseQuery = (query) => {
    const [text, words, ...others] = parse(query);
    const { terms, titleterms } = Search._index;
    const known = [...Object.keys(titleterms), ...Object.keys(terms)];
    const found = (word) => {
      if (known.some((term) => term.includes(word))) return word;
      const meant = known.find((term) => near(word, term)) || word;
      asked = asked.replace(word, meant);
      return meant;
    };
    return [text, new Set([...words].map(found)), ...others];
  };
  Search.htmlToText = (html, anchor) =>
    toText(html.replace(/<annotation[\s\S]*?<\/annotation>/g, ""), anchor);
  Scorer.score = ([, title, , , score]) => {
    const name = title.toLowerCase();
    return score + (name === asked ? 100 : name.includes(asked) ? 50 : 0);
  };
}, true);
