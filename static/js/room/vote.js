// The vote that runs, at the head of the stage: the ballot, who has voted, the result; and the list of all votes.
import { chip, h, icon } from "../dom.js";
import { say, words } from "../say.js";
import { formButton, meta, Pane } from "./pane.js";
import { room } from "./room.js";
import { duration, hourMinute } from "./time.js";
import { chart } from "./vote-chart.js";
import { isOver, linesOf, outcomeOf, rollOf, shownVote, silent } from "./vote-state.js";

const urlOf = (vote) => `${room.base}/votes/${vote.id}`;

class Vote extends Pane {
  #unsent = null; // the vote for which something was chosen and not sent yet
  #hidden = null; // the result that this reader has put away
  #said = "";
  #held = false; // the focus was in here before drawing

  connectedCallback() {
    super.connectedCallback();
    this.addEventListener("change", (event) => this.#chosen(event.target.form?.dataset.vote));
    this.addEventListener("sent", () => this.#chosen(null));
    this.addEventListener("click", (event) => {
      const away = event.target.closest("[data-away]");
      if (!away) return;
      this.#hidden = Number(away.dataset.away);
      this.update();
    });
  }

  #chosen(vote) {
    this.#unsent = vote ? Number(vote) : null;
    this.update();
  }

  draw(state) {
    this.#held = this.contains(document.activeElement);
    const vote = shownVote(state, room.now());
    this.shown = vote && `${vote.id}/${vote.state}/${isOver(vote, room.now())}`;
    if (!vote || (vote.state === "announced" && vote.id === this.#hidden)) return [];
    return [h("section", { class: "vote-now", "data-key": `vote-${vote.id}`, "aria-labelledby": "vote-head" },
      h("p", { class: "now-label" }, this.#label(vote)),
      h("h2", { class: "vote-head", id: "vote-head", tabindex: "-1" }, vote.question),
      this.#body(state, vote),
      room.desk ? this.#acts(state, vote) : null)];
  }

  drawn(state) {
    this.tick(state);
    // The ballot goes when the vote closes; whoever was in it stays here, not at the top of the page.
    if (this.#held && document.activeElement === document.body) this.querySelector("#vote-head")?.focus();
    this.#announce(state);
  }

  tick(state) {
    const vote = shownVote(state, room.now());
    const shown = vote && `${vote.id}/${vote.state}/${isOver(vote, room.now())}`;
    if (shown !== this.shown) {
      this.update();
      return;
    }
    const left = this.querySelector("[data-left]");
    if (left && vote?.ends_at) left.textContent = duration(Math.max(0, (Date.parse(vote.ends_at) - room.now()) / 1000));
  }

  #label(vote) {
    const kind = words(`vote_${vote.kind}`);
    if (vote.state === "open" && vote.ends_at && !isOver(vote, room.now())) {
      return [`${kind} · ${words("voteLeft")} `, h("span", { class: "timer", "data-left": true }, "")];
    }
    const over = isOver(vote, room.now()) && vote.state === "open";
    return [meta(kind, words(over ? "voteOver" : `voteState_${vote.state}`))];
  }

  #body(state, vote) {
    const { voters, voted } = rollOf(state, vote);
    if (vote.state === "announced") {
      return [h("p", { class: "vote-outcome" }, words(...outcomeOf(vote))), chart(linesOf(state, vote), vote.question),
        h("div", { class: "beside" }, h("a", { href: urlOf(vote) }, words("voteDetails")), awayButton(vote))];
    }
    const open = vote.state === "open" && !isOver(vote, room.now()) && state.meeting.state === "open";
    const mine = room.me && voters.includes(room.me);
    return [
      open && mine ? this.#ballotOf(vote, voted.includes(room.me)) : null,
      open && room.me && !mine ? h("p", { class: "quiet" }, words("voteNotListed")) : null,
      vote.kind === "hands" && voted.length ? chart(linesOf(state, vote), vote.question) : null,
      h("p", { class: "vote-progress", "data-field": "voted" }, words("voteProgress", { n: voted.length, all: voters.length })),
      this.#silent(state, vote),
    ];
  }

  /** Who has not answered yet: for everybody in a show of hands, else for the desk. */
  #silent(state, vote) {
    const names = vote.kind === "hands" || room.desk ? silent(state, vote) : [];
    if (!names.length || vote.state !== "open") return null;
    return h("details", { class: "vote-silent" }, h("summary", {}, words("voteSilent", { n: names.length })), h("p", {}, names.join(", ")));
  }

  /** The ballot; a secret one is cast on its own page, which alone loads what encrypts, and one on paper in the room. */
  #ballotOf(vote, done) {
    if (vote.kind === "paper") return h("p", {}, words("votePaperNow"));
    if (vote.kind !== "secret") return this.#ballot(vote, done);
    if (done) return h("p", {}, chip("good", "check-circle-fill", words("voteSent")));
    return h("p", {}, h("a", { class: "btn btn-primary", href: urlOf(vote) }, icon("check2-square"), words("voteSecretGo")));
  }

  #ballot(vote, done) {
    const many = vote.most > 1;
    const unsent = this.#unsent === vote.id || !done;
    const options = vote.options.map((option, place) => h("div", { class: "form-check", "data-key": `option-${place}` },
      h("input", { class: "form-check-input", type: many ? "checkbox" : "radio", id: `choice-${vote.id}-${place}`, name: "choice", value: place }),
      h("label", { class: "form-check-label", for: `choice-${vote.id}-${place}` }, option)));
    const form = { class: "vote-ballot", action: `${urlOf(vote)}/ballot`, method: "post", "data-room": true, "data-vote": vote.id };
    const mark = unsent ? chip("waiting", "hourglass-split", words("voteUnsent")) : chip("good", "check-circle-fill", words("voteSent"));
    return h("form", { ...form, "data-key": `ballot-${vote.id}` },
      h("fieldset", { class: "field" },
        h("legend", { class: many ? null : "visually-hidden" }, many ? words("voteMost", { n: vote.most }) : vote.question),
        h("div", { class: "vote-choices" }, options)),
      h("div", { class: "beside" },
        h("button", { class: "btn btn-primary" }, icon("send"), words(done ? "voteAgain" : "voteSend")),
        h("span", { "data-field": "sent" }, mark)));
  }

  #acts(state, vote) {
    const acts = { open: ["close", "stop-fill"], closed: ["announce", "megaphone"] }[vote.state];
    if (!acts || !["open", "paused", "closed"].includes(state.meeting.state)) return null;
    const [verb, iconName] = acts;
    // Paper is counted, and secret sums are opened, on the page of the vote.
    const elsewhere = (vote.kind === "paper" && verb === "close") || (vote.kind === "secret" && verb === "announce");
    return h("div", { class: "beside vote-acts" },
      elsewhere ? null : formButton(`${urlOf(vote)}/${verb}`, words(`vote_${verb}`), { style: "primary", iconName, context: vote.question }),
      h("a", { class: "btn btn-outline-primary", href: urlOf(vote) }, words("voteDetails")));
  }

  #announce(state) {
    const vote = shownVote(state, room.now());
    const key = vote && ["open", "announced"].includes(vote.state) ? `${vote.id}/${vote.state}` : "";
    if (!key || key === this.#said) return;
    this.#said = key;
    say(vote.state === "open" ? words("voteOpened", { question: vote.question }) : words(...outcomeOf(vote)));
  }
}

const awayButton = (vote) => h("button", { type: "button", class: "btn btn-outline-primary", "data-away": vote.id }, words("voteAway"));

/** All votes of the meeting, newest first; for the desk with what begins them. */
class Votes extends Pane {
  draw(state) {
    const votes = Object.values(state.votes ?? {}).sort((a, b) => b.id - a.id);
    if (!votes.length) return [h("p", { class: "quiet" }, words("noVotes"))];
    return [h("ol", { class: "vote-list", reversed: true }, votes.map((vote) => this.#row(state, vote)))];
  }

  #row(state, vote) {
    const { voters, voted } = rollOf(state, vote);
    const said = {
      open: words("voteProgress", { n: voted.length, all: voters.length }),
      announced: vote.result && `${words(...outcomeOf(vote))} ${hourMinute(vote.announced_at)}`,
    }[vote.state];
    return h("li", { "data-key": `vote-row-${vote.id}` },
      h("a", { href: urlOf(vote), class: "vote-link" }, vote.question),
      h("p", { class: "quiet" }, meta(words(`vote_${vote.kind}`), said ?? words(`voteState_${vote.state}`))),
      room.desk && vote.state === "prepared" ? this.#prepared(state, vote) : null);
  }

  #prepared(state, vote) {
    if (state.meeting.state !== "open") return null;
    return formButton(`${urlOf(vote)}/open`, words("vote_open"), { iconName: "play-fill", context: vote.question });
  }
}

customElements.define("mt-vote", Vote);
customElements.define("mt-votes", Votes);
