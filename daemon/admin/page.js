// Renews the figures; without a script the page reloads itself.
(() => {
  const every = 5000;
  let good = Date.now();
  const stale = document.getElementById("stale");
  async function renew() {
    try {
      const answer = await fetch(location.pathname, { cache: "no-store", signal: AbortSignal.timeout(10000) });
      if (!answer.ok) throw new Error(answer.status);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of ["state", "main"]) document.getElementById(part).replaceWith(document.adoptNode(fresh.getElementById(part)));
      good = Date.now();
      stale.textContent = "";
    } catch {
      stale.textContent = `no answer for ${Math.round((Date.now() - good) / 1000)} s: is the service running?`;
    }
    setTimeout(renew, every);
  }
  setTimeout(renew, every);
})();
