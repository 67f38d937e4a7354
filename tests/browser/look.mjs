// Looks at the status page with headless Chromium and tells what it sees, as one JSON object.
//   node look.mjs URL [--without-script] [--dark] [--watch SECONDS]
import { chromium } from "playwright-core";

const [url, ...words] = process.argv.slice(2);
const watch = words.includes("--watch") ? Number(words[words.indexOf("--watch") + 1]) : 0;
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  const page = await browser.newPage({ colorScheme: words.includes("--dark") ? "dark" : "light", javaScriptEnabled: !words.includes("--without-script") });
  const complaints = [], requests = [];
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) complaints.push(message.text()); });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(url);
  const first = await page.locator("#state time").getAttribute("datetime");
  if (watch) await page.waitForTimeout(watch * 1000);
  const figures = {};
  for (const figure of await page.locator("[data-metric]").all()) {
    figures[await figure.getAttribute("data-metric")] = [await figure.getAttribute("data-value"), await figure.innerText()];
  }
  const spark = page.locator("svg.spark").first();
  console.log(JSON.stringify({
    title: await page.title(), figures, complaints, requests, first,
    state: await page.locator("#state").innerText(),
    last: await page.locator("#state time").getAttribute("datetime"),
    bars: await spark.locator("rect").count(),
    sparkTitle: await spark.locator("title").textContent(),
    runs: await page.locator("section", { hasText: "Recent runs" }).locator("tr").count() - 1,
    // The colours a person sees: of the page, and of the text on a card.
    background: words.includes("--without-script") ? null : await page.evaluate(() => getComputedStyle(document.body).backgroundColor),
    stale: await page.locator("#stale").innerText(),
  }));
} finally {
  await browser.close();
}
