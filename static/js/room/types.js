// Types of live events and of the snapshot. Made from meetings/live.py by scripts/livetypes; do not edit.

/**
 * What came out: ballots and votes of each option, and which options are carried. `present`: who might vote.
 * @typedef {Object} LiveResult
 * @property {number} ballots
 * @property {number} present
 * @property {number[]} counts
 * @property {number[]} carried
 */

/**
 * A vote as everybody sees it; the result is null until it is announced. `item` is an id.
 * @typedef {Object} LiveVote
 * @property {number} id
 * @property {number} rev
 * @property {string} kind
 * @property {number|null} item
 * @property {string} question
 * @property {string[]} options
 * @property {boolean} is_list
 * @property {number} most
 * @property {string} state
 * @property {number} members
 * @property {string|null} opened_at
 * @property {string|null} ends_at
 * @property {string|null} announced_at
 * @property {LiveResult|null} result
 */

/**
 * Who may vote and who has, as participants, while a vote runs. `hands`: the count so far of a show of hands.
 * @typedef {Object} LiveRoll
 * @property {number} id
 * @property {number} rev
 * @property {number[]} voters
 * @property {number[]} voted
 * @property {number[]} hands
 */

/**
 * The part of the roll that changes when somebody votes.
 * @typedef {Object} Cast
 * @property {number} id
 * @property {number} rev
 * @property {number[]} voted
 * @property {number[]} hands
 */

/**
 * The meeting as screens see it. `current` is the id of the point being discussed, `visited` those that were.
 * @typedef {Object} LiveMeeting
 * @property {number} id
 * @property {number} rev
 * @property {string} title
 * @property {string} kind
 * @property {string} place
 * @property {string} state
 * @property {string|null} starts_at
 * @property {string|null} ends_at
 * @property {number[]} item_order
 * @property {number|null} current
 * @property {string|null} current_at
 * @property {string|null} paused_at
 * @property {number[]} visited
 * @property {string} quorum_rule
 * @property {number} quorum_number
 * @property {string|null} opened_at
 * @property {string|null} closed_at
 * @property {boolean} at_entrance_only
 */

/**
 * The part of the meeting that changes when another point is taken.
 * @typedef {Object} CurrentItem
 * @property {number} rev
 * @property {number|null} current
 * @property {string|null} current_at
 * @property {number[]} visited
 */

/**
 * The newest version of a paper of a point; `size` in bytes.
 * @typedef {Object} LivePaper
 * @property {number} id
 * @property {string} title
 * @property {number} version
 * @property {number} pages
 * @property {number} size
 */

/**
 * An agenda item with the newest version of each of its papers; `closed`: for chosen participants only.
 * @typedef {Object} LiveItem
 * @property {number} id
 * @property {number} rev
 * @property {string} title
 * @property {string} presenter
 * @property {number} minutes
 * @property {LivePaper[]} papers
 * @property {boolean} closed
 */

/**
 * A confidential point as its audience reads it; a hidden one with its place: behind `after` (0: first).
 * @typedef {Object} LiveCleared
 * @property {number} id
 * @property {number} rev
 * @property {string} title
 * @property {string} presenter
 * @property {number} minutes
 * @property {LivePaper[]} papers
 * @property {boolean} closed
 * @property {number|null} after
 * @property {number} place
 * @property {string|null} current_at
 * @property {boolean} visited
 */

/**
 * A participant as everybody in the meeting sees them; what was written in the answer is for the desk only.
 * @typedef {Object} LivePerson
 * @property {number} id
 * @property {number} rev
 * @property {string} name
 * @property {string} position
 * @property {string} agency
 * @property {string} role
 * @property {string} answer
 * @property {string} substitute
 * @property {string|null} present_at
 * @property {string|null} left_at
 */

/**
 * A participant's answer as the desk sees it.
 * @typedef {Object} LiveAnswer
 * @property {number} id
 * @property {number} rev
 * @property {string} answer
 * @property {string} reason
 * @property {string} substitute_name
 * @property {string} substitute_position
 * @property {string} substitute_phone
 * @property {string|null} answered_at
 */

/**
 * A place in the speakers' queue; `participant` is an id, `seconds` what the speaker was given (0: no limit).
 * @typedef {Object} LiveTurn
 * @property {number} id
 * @property {number} participant
 * @property {string} state
 * @property {string|null} started_at
 * @property {number} seconds
 */

/**
 * The speakers' queue: who speaks, then who waits. `limit`: seconds for each speaker (0: none); `quiet_first`: who spoke less comes first.
 * @typedef {Object} LiveQueue
 * @property {number} rev
 * @property {LiveTurn[]} turns
 * @property {number} limit
 * @property {boolean} quiet_first
 */

/**
 * How often and how many seconds a participant has spoken; `id` is the participant's. It grows by whole speeches, so its `rev` is their number.
 * @typedef {Object} LiveSpeech
 * @property {number} id
 * @property {number} rev
 * @property {number} times
 * @property {number} seconds
 */

/**
 * A person who works along on a task.
 * @typedef {Object} CoWorker
 * @property {number} id
 * @property {string} name
 */

/**
 * A conclusion as everybody in the meeting sees it; `item`, `lead_id` and `task` are ids.
 * @typedef {Object} LiveConclusion
 * @property {number} id
 * @property {number} rev
 * @property {number|null} item
 * @property {string} text
 * @property {string} lead
 * @property {number|null} lead_id
 * @property {CoWorker[]} co_workers
 * @property {string|null} due_at
 * @property {number|null} task
 */

/**
 * How far the task of a conclusion is.
 * @typedef {Object} LiveTask
 * @property {number} id
 * @property {number} rev
 * @property {string} state
 */

/**
 * An object was taken away.
 * @typedef {Object} Gone
 * @property {number} id
 * @property {number} rev
 * @property {boolean} gone
 */

/**
 * Every screen of the meeting forgets what it knows and joins anew.
 * @typedef {Object} Reset
 */

/**
 * A person was invited, or what they were invited to has changed; for their own lists.
 * @typedef {Object} InvitationChange
 * @property {number} id
 * @property {number} rev
 * @property {string} state
 */

/**
 * All that a screen knows of a meeting; objects by id. `answers` and `tasks` are empty but for the desk.
 * @typedef {Object} LiveState
 * @property {LiveMeeting} meeting
 * @property {LiveQueue} queue
 * @property {Object<string, LiveItem>} items
 * @property {Object<string, LivePerson>} people
 * @property {Object<string, LiveConclusion>} conclusions
 * @property {Object<string, LiveAnswer>} answers
 * @property {Object<string, LiveTask>} tasks
 * @property {Object<string, LiveCleared>} cleared
 * @property {Object<string, LiveVote>} votes
 * @property {Object<string, LiveRoll>} rolls
 * @property {Object<string, LiveSpeech>} speeches
 */

/**
 * The place that is shown: an id, or null when nothing is; `y` in thousandths of the page. A hint (`follow`).
 * @typedef {Object} LiveFollow
 * @property {number} meeting
 * @property {number} rev
 * @property {number|null} paper
 * @property {number} page
 * @property {number} y
 */

/**
 * The state drawn from the rows, with the stream numbers it stands for and the epoch in which those count, and the place that is being presented.
 * @typedef {Object} Snapshot
 * @property {LiveState} state
 * @property {Object<string, number>} heads
 * @property {string} epoch
 * @property {LiveFollow|null} follow
 */

export {};
