// A fingerprint while it is typed: in groups of four as it is printed, and how many of its digits are there.
for (const shown of document.querySelectorAll("[data-digits-of]")) {
  const field = document.getElementById(shown.dataset.digitsOf);
  const [groups, count] = shown.children;
  const show = () => {
    const typed = field.value.replace(/[\s:.-]/g, "").toLowerCase();
    groups.textContent = typed.match(/.{1,4}/gu)?.join(" ") ?? "";
    count.textContent = shown.dataset.count.replace("{n}", typed.length);
    shown.hidden = !typed;
  };
  field.addEventListener("input", show);
  show();
}
