// What screens ask about votes; no DOM, no clock of its own.

/** @typedef {import("./types.js").LiveState} State
 *  @typedef {import("./types.js").LiveVote} LiveVote */

/** How long a result stands on screens by itself. */
export const SHOWN_MS = 180_000;

/** The vote that belongs on every screen at `now`: the one that runs or waits for its result, else the one that was
 *  announced a moment ago; or null.
 *  @type {(state: State, now: number) => LiveVote | null} */
export function shownVote(state, now) {
  const votes = Object.values(state.votes ?? {}).sort((a, b) => b.id - a.id);
  const runs = votes.find((vote) => vote.state === "open" || vote.state === "closed");
  if (runs && !(isOver(runs, now) && now - Date.parse(runs.ends_at) > SHOWN_MS)) return runs;
  return votes.find((vote) => vote.state === "announced" && now - Date.parse(vote.announced_at) < SHOWN_MS) ?? null;
}

const NOBODY = { voters: [], voted: [], hands: [] };

/** Who may vote and who has. */
export const rollOf = (state, vote) => state.rolls?.[String(vote.id)] ?? NOBODY;

/** Whether the time of a show of hands is up. */
export const isOver = (vote, now) => vote.ends_at != null && now > Date.parse(vote.ends_at);

/** The names of who may vote and has not.
 *  @type {(state: State, vote: LiveVote) => string[]} */
export function silent(state, vote) {
  const { voters, voted } = rollOf(state, vote);
  return voters.filter((id) => !voted.includes(id)).map((id) => state.people[String(id)]?.name ?? "").filter(Boolean);
}

/** The rows of a result, or of the hands so far: {words, votes, share in percent, carried}. */
export function linesOf(state, vote) {
  const counts = vote.result?.counts ?? rollOf(state, vote).hands;
  const ballots = vote.result?.ballots ?? rollOf(state, vote).voted.length;
  return counts.map((votes, place) => ({
    words: vote.options[place],
    votes,
    share: ballots ? Math.round((100 * votes) / ballots) : 0,
    carried: vote.result?.carried.includes(place) ?? false,
  }));
}

/** The name of the sentence that says what came out, with its fields. */
export function outcomeOf(vote) {
  const { counts, carried, ballots } = vote.result;
  if (vote.kind === "hands") return ["voteHands", { n: ballots }];
  if (vote.is_list) {
    const names = carried.map((place) => vote.options[place]).join(", ");
    return names ? ["voteChosen", { names }] : ["voteNobody", {}];
  }
  return [carried.length ? "voteCarried" : "voteLost", { yes: counts[0], members: vote.members }];
}
