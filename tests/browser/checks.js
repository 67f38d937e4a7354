// Checks that run inside the page. Each function returns what is wrong.

// Returns the width of the page, and the elements that reach beyond the screen or scroll sideways. Skips elements for screen readers, which are
// one pixel wide whatever they contain.
function tooWide() {
  const width = document.documentElement.clientWidth;
  const wide = [...document.body.querySelectorAll("*")].filter((e) => !e.closest(".hidden, thead"))
    .filter((e) => e.getBoundingClientRect().right > width + 0.5 || (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0
                   && getComputedStyle(e).overflowX !== "visible"))
    .map((e) => e.outerHTML.slice(0, 120));
  return [document.scrollingElement.scrollWidth, wide];
}

// Returns the number of texts, and those whose contrast with their background is below the minimum of WCAG 2.
function tooFaint() {
  const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const numbers = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = numbers(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  let count = 0;
  for (let text; (text = texts.nextNode()); ) {
    const e = text.parentElement;
    if (!text.data.trim() || ["SCRIPT", "STYLE", "title"].includes(e.tagName)) continue;
    const [a, b] = [luminance(numbers(getComputedStyle(e).color)), luminance(behind(e))];
    ++count;
    if ((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5) found.push(e.outerHTML.slice(0, 120));
  }
  return [count, found];
}

// What is wrong for somebody who does not see the page.
function wrongStructure() {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const wrong = [];
  const must = (holds, what, e) => holds || wrong.push(what + (e ? ": " + e.outerHTML.slice(0, 160) : ""));
  must(document.documentElement.lang === "en", "lang");
  must(document.title !== "", "title");
  for (const one of ["h1", "header", "main", "footer"]) must(all(one).length === 1, "one " + one);
  const levels = all("h1, h2, h3, h4").map((h) => Number(h.tagName[1]));
  must(levels.every((level, i) => i === 0 ? level === 1 : level <= levels[i - 1] + 1), "headings: " + levels);
  const ids = all("[id]").map((e) => e.id);
  must(new Set(ids).size === ids.length, "ids: " + ids);
  for (const section of all("section")) {
    const heading = document.getElementById(section.getAttribute("aria-labelledby"));
    must(heading && section.contains(heading) && heading.textContent, "the name of a section", section);
  }
  for (const table of all("table")) {
    must(table.caption && table.caption.textContent, "caption", table);
    for (const row of all("tr", table)) must(row.cells.length === table.tHead.rows[0].cells.length, "cells", row);
    for (const cell of all("th", table.tHead)) must(cell.scope === "col" && cell.textContent, "scope=col", cell);
    for (const row of table.tBodies[0].rows) must(row.cells[0].scope === "row" && row.cells[0].tagName === "TH", "scope=row", row);
  }
  for (const svg of all("svg"))
    must(svg.getAttribute("aria-hidden") === "true" || (svg.getAttribute("role") === "img" && svg.querySelector("title")), "svg", svg);
  for (const bar of all("progress")) must(bar.getAttribute("aria-label"), "progress", bar);
  for (const link of all("a, summary")) must(link.textContent.trim(), "a name", link);
  must(all("[tabindex], [style], [onclick]").length === 0, "tabindex, style or onclick");
  return wrong;
}
