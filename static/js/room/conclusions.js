// The conclusions of the meeting and what became of the tasks that were given with them.
import { chip, h } from "../dom.js";
import { words } from "../say.js";
import { formButton, meta, Pane } from "./pane.js";
import { room } from "./room.js";
import { personOf } from "./store.js";
import { dayHour } from "./time.js";

const TASK_TONES = {
  new: "waiting",
  received: "info",
  in_progress: "info",
  awaiting: "waiting",
  returned: "bad",
  paused: "plain",
  done: "good",
  cancelled: "plain",
};
const TONE_ICONS = {
  good: "check-circle-fill",
  waiting: "hourglass-split",
  bad: "x-octagon-fill",
  info: "info-circle-fill",
  plain: "circle",
};

class Conclusions extends Pane {
  draw(state) {
    const all = Object.values(state.conclusions).sort((a, b) => a.id - b.id);
    if (!all.length) return [h("p", { class: "quiet" }, words("noConclusions"))];
    return [h("ol", { class: "conclusions", "data-field": "conclusions" }, all.map((line) => this.#row(state, line)))];
  }

  #row(state, line) {
    const canGive = room.desk && ["open", "paused", "closed"].includes(state.meeting.state) && !line.task;
    return h("li", { "data-key": `conclusion-${line.id}` },
      h("p", { class: "conclusion-text" }, line.text),
      h("p", { class: "quiet" }, assignment(line)),
      line.task ? this.#task(state, line) : null,
      canGive ? this.#commands(line) : null);
  }

  #task(state, line) {
    const link = hasPart(state, line) ? h("a", { href: `/tasks/${line.task}` }, words("openTask")) : null;
    return h("p", { class: "beside" }, taskChip(state.tasks?.[String(line.task)]), link);
  }

  #commands(line) {
    const url = `${room.base}/conclusions/${line.id}`;
    const give = { style: "primary", iconName: "send", context: line.text };
    return h("div", { class: "beside" },
      line.lead_id ? formButton(`${url}/task`, words("give"), give) : null,
      formButton(`${url}/drop`, words("drop"), { style: "link", context: line.text }));
  }
}

/** Who leads, with whom, until when. */
function assignment(line) {
  const names = line.co_workers.map((person) => person.name).join(", ");
  return meta(
    line.lead ? words("lead", { name: line.lead }) : "",
    names ? words("with", { names }) : "",
    line.due_at ? words("due", { at: dayHour(line.due_at) }) : "",
  );
}

function taskChip(task) {
  if (!task) return chip("good", "check-circle-fill", words("given"));
  const tone = TASK_TONES[task.state] ?? "plain";
  return chip(tone, TONE_ICONS[tone], words(`task_${task.state}`));
}

/** Whether this person has a part in the task, and so may open it. */
function hasPart(state, line) {
  const me = Number(document.body.dataset.person);
  const role = room.me ? personOf(state, room.me)?.role : "";
  return role === "chair" || role === "secretary" || line.lead_id === me || line.co_workers.some((person) => person.id === me);
}

customElements.define("mt-conclusions", Conclusions);
