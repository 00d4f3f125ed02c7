// The shapes of what the room hears: the fields of each event, which are those of the snapshot, too. One typedef for each
// object that meetings/streams.py tells; names and kinds of fields are the same on both sides. Nothing here runs: modules
// name the types in their comments ("@typedef {import('./types.js').State} State").
// Instants are ISO 8601 with an offset.

/**
 * @typedef {object} MeetingFields event `meeting`
 * @property {number} id
 * @property {number} rev
 * @property {string} title
 * @property {string} kind
 * @property {string} place
 * @property {"draft" | "convened" | "open" | "paused" | "closed" | "recorded" | "cancelled"} state
 * @property {string} starts_at
 * @property {string} ends_at
 * @property {number[]} item_order ids of items
 * @property {number | null} current id of the item
 * @property {string | null} current_at since when
 * @property {number[]} visited ids of items that were taken up
 */

/**
 * @typedef {object} PaperFields a paper of an item, in its newest version
 * @property {number} id
 * @property {string} title
 * @property {number} version
 * @property {number} pages
 * @property {number} size bytes
 */

/**
 * @typedef {object} ItemFields event `item`
 * @property {number} id
 * @property {number} rev
 * @property {string} title
 * @property {string} presenter
 * @property {number} minutes
 * @property {PaperFields[]} papers
 */

/**
 * @typedef {object} PersonFields event `person`: a participant
 * @property {number} id of the participant
 * @property {number} rev
 * @property {string} name
 * @property {string} position
 * @property {string} agency
 * @property {"chair" | "secretary" | "delegate" | "guest"} role
 * @property {"none" | "yes" | "no" | "substitute"} answer
 * @property {string} substitute name of who comes instead
 * @property {string | null} present_at
 */

/**
 * @typedef {object} AnswerFields event `answer`, for the desk only
 * @property {number} id of the participant
 * @property {number} rev
 * @property {"none" | "yes" | "no" | "substitute"} answer
 * @property {string} reason
 * @property {string} substitute_name
 * @property {string} substitute_position
 * @property {string} substitute_phone
 * @property {string | null} answered_at
 */

/**
 * @typedef {object} TurnFields a place in the speakers' queue
 * @property {number} id
 * @property {number} participant
 * @property {"waiting" | "speaking"} state the queue holds no others
 * @property {string | null} started_at
 */

/**
 * @typedef {object} QueueFields event `queue`
 * @property {number} rev
 * @property {TurnFields[]} turns in their order
 */

/**
 * @typedef {object} CoWorkerFields
 * @property {number} id of the person
 * @property {string} name
 */

/**
 * @typedef {object} ConclusionFields event `conclusion`
 * @property {number} id
 * @property {number} rev
 * @property {number | null} item
 * @property {string} text
 * @property {string} lead name of who leads
 * @property {number | null} lead_id id of the person
 * @property {CoWorkerFields[]} co_workers
 * @property {string | null} due_at
 * @property {number | null} task id of the task that was given
 */

/**
 * @typedef {object} TaskFields event `task`: what became of a conclusion
 * @property {number} id
 * @property {number} rev
 * @property {string} state
 */

/**
 * @typedef {object} GoneFields in the place of an object's fields: it was taken away
 * @property {number} id
 * @property {number} rev
 * @property {true} gone
 */

/**
 * @typedef {object} State what a screen of a meeting shows; objects by their id as text
 * @property {MeetingFields} meeting
 * @property {QueueFields} queue
 * @property {Record<string, ItemFields>} items
 * @property {Record<string, PersonFields>} people
 * @property {Record<string, ConclusionFields>} conclusions
 * @property {Record<string, AnswerFields>} answers
 * @property {Record<string, TaskFields>} tasks
 */

/**
 * @typedef {object} Snapshot answer of /meetings/<id>/snapshot
 * @property {State} state
 * @property {Record<string, number>} heads number of the last event of each stream that the state holds
 * @property {string} epoch
 */

export {};
