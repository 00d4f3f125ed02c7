"""What a screen of a meeting shows, as a pure function of events. static/js/room/store.js is the same in JavaScript;
tests/meetings/events.json is run against both.

An event is a set of named fields with the object's new `rev`, never an increment, so applying one twice or
applying an old one changes nothing.
"""

from typing import Any

State = dict[str, Any]

#: Event kinds that are one object of the meeting.
SINGLES = frozenset({"meeting", "queue"})
#: Event kinds that are one of many objects, and where those stand in the state.
OBJECTS = {
    "item": "items",
    "person": "people",
    "conclusion": "conclusions",
    "answer": "answers",
    "task": "tasks",
    "cleared": "cleared",
    "vote": "votes",
    "roll": "rolls",
    "speech": "speeches",
}


def empty() -> State:
    """The state before anything is known."""
    return {
        "meeting": {"rev": 0},
        "queue": {"rev": 0, "turns": [], "limit": 0, "quiet_first": False},
        **{place: {} for place in OBJECTS.values()},
    }


def apply(state: State, kind: str, data: dict[str, Any]) -> State:
    """The state after one event; the same object when the event is old or of a kind that is not known."""
    if kind in SINGLES:
        known = state[kind]
        return state if data["rev"] <= known["rev"] else {**state, kind: {**known, **data}}
    place = OBJECTS.get(kind)
    if place is None:
        return state
    key = str(data["id"])
    known = state[place].get(key, {"rev": 0})
    if data["rev"] <= known["rev"]:
        return state
    if data.get("gone"):
        return {**state, place: {k: v for k, v in state[place].items() if k != key}}
    return {**state, place: {**state[place], key: {**known, **data}}}


def seen(state: State) -> State:
    """The state as screens draw it: the confidential points that this reader may read are laid over the agenda, and
    hidden ones put into it."""
    own = sorted(state["cleared"].values(), key=lambda item: (item["place"], item["id"]))
    if not own:
        return state
    meeting = dict(state["meeting"])
    meeting["item_order"] = order = list(meeting.get("item_order", []))
    for item in reversed(own):
        if item["after"] is None:  # the room knows that it is there
            continue
        order.insert(order.index(item["after"]) + 1 if item["after"] in order else 0, item["id"])
        if item["current_at"] is not None:
            meeting |= {"current": item["id"], "current_at": item["current_at"]}
        if item["visited"]:
            meeting["visited"] = [*meeting.get("visited", []), item["id"]]
    return {**state, "meeting": meeting, "items": state["items"] | {str(item["id"]): item for item in own}}
