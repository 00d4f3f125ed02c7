// A vote on the wall, in the place of the current point.
import { h } from "../dom.js";
import { words } from "../say.js";
import { meta } from "./pane.js";
import { room } from "./room.js";
import { duration } from "./time.js";
import { chart } from "./vote-chart.js";
import { isOver, linesOf, outcomeOf, rollOf, shownVote } from "./vote-state.js";

const keyOf = (vote) => (vote ? `${vote.id}/${vote.state}/${isOver(vote, room.now())}` : "");

/** The vote for the wall, or null when none belongs there now. */
export function voteOnWall(state) {
  const vote = shownVote(state, room.now());
  if (!vote) return null;
  const { voters, voted } = rollOf(state, vote);
  const over = vote.state === "open" && isOver(vote, room.now());
  const counted = vote.state === "announced" || (vote.kind === "hands" && voted.length);
  return h("div", { class: "wall-now wall-vote", "data-vote": keyOf(vote) },
    h("p", { class: "wall-label" }, meta(words(`vote_${vote.kind}`), words(over ? "voteOver" : `voteState_${vote.state}`))),
    h("h1", { class: `wall-title${vote.question.length > 80 ? " wall-long" : ""}` }, vote.question),
    vote.state === "announced" ? h("p", { class: "wall-outcome" }, words(...outcomeOf(vote))) : null,
    counted ? chart(linesOf(state, vote), vote.question) : null,
    vote.state === "announced" ? null : h("p", { class: "wall-timer", "data-field": "voted" }, words("voteProgress", { n: voted.length, all: voters.length })),
    vote.ends_at && vote.state === "open" && !over ? h("p", { class: "wall-timer timer", "data-vote-left": vote.ends_at }, "") : null);
}

/** Moves the seconds of a show of hands; answers whether the wall has to be drawn anew, because a result has stood long enough. */
export function tickVote(pane, state) {
  const left = pane.querySelector("[data-vote-left]");
  if (left) left.textContent = duration(Math.max(0, (Date.parse(left.dataset.voteLeft) - room.now()) / 1000));
  return keyOf(shownVote(state, room.now())) !== (pane.querySelector("[data-vote]")?.dataset.vote ?? "");
}
