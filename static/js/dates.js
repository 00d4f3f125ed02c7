// A browser shows dates in its own order (11/12 may be November). Under the field the chosen day stands as people say it.
const TWO = { day: "2-digit", month: "2-digit", year: "numeric" };

function said(input) {
  if (!input.value) return "";
  const [, time] = input.value.split("T");
  const day = new Date(time ? `${input.value}Z` : input.value);
  const zone = { timeZone: "UTC" }; // what the field means by a day
  const weekday = new Intl.DateTimeFormat(document.documentElement.lang, { weekday: "long", ...zone }).format(day);
  const words = `${weekday}, ${new Intl.DateTimeFormat("en-GB", { ...TWO, ...zone }).format(day)}`;
  return time ? `${words} ${time}` : words;
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

for (const input of document.querySelectorAll(".stack :is(input[type=date], input[type=datetime-local])")) equip(input);
