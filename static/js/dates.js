// A browser shows dates in its own order (11/12 may be November). Under the field the chosen day stands as people say it.
const TWO = { day: "2-digit", month: "2-digit", year: "numeric" };

function said(input) {
  const day = input.valueAsDate;
  if (!day) return "";
  const zone = { timeZone: "UTC" }; // what the field means by a day
  const weekday = new Intl.DateTimeFormat(document.documentElement.lang, { weekday: "long", ...zone }).format(day);
  return `${weekday}, ${new Intl.DateTimeFormat("en-GB", { ...TWO, ...zone }).format(day)}`;
}

function equip(input) {
  if (input.dataset.said) return;
  input.dataset.said = "1";
  const line = Object.assign(document.createElement("p"), { className: "field-said" });
  line.setAttribute("aria-hidden", "true"); // the field itself is read out
  const show = () => {
    line.textContent = said(input);
    line.hidden = !line.textContent;
  };
  input.after(line);
  input.addEventListener("input", show);
  input.addEventListener("change", show);
  show();
}

for (const input of document.querySelectorAll(".stack input[type=date]")) equip(input);
