// Light or dark: what this device was told, else what its system says. Runs before the first paint, so it is no module.
{
  const KEPT = "room-theme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: light)");
  const kept = () => {
    try { return localStorage.getItem(KEPT); } catch { return null; }
  };

  const apply = () => {
    const theme = kept() ?? (system.matches ? "light" : "dark");
    root.dataset.bsTheme = theme;
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.setAttribute("aria-pressed", String(theme === "light"));
    }
  };

  apply();
  system.addEventListener?.("change", apply);
  addEventListener("DOMContentLoaded", apply);
  addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-theme-switch]")) return;
    const theme = root.dataset.bsTheme === "light" ? "dark" : "light";
    try { localStorage.setItem(KEPT, theme); } catch { /* stays for this page */ }
    root.dataset.bsTheme = theme;
    event.target.closest("[data-theme-switch]").setAttribute("aria-pressed", String(theme === "light"));
  });
}
