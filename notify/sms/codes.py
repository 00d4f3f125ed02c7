"""What Twilio's error numbers mean for us (twilio.com/docs/api/errors)."""

# The number, the account or the text will be refused again however often we ask.
PERMANENT = {
    21211: "not a valid phone number",
    21214: "the number cannot be reached",
    21217: "the number is not in the +84 form",
    21408: "sending to this country is not allowed for the account",
    21602: "the text is empty",
    21606: "the sender cannot send SMS",
    21610: "the recipient has opted out",
    21612: "no route from this sender to this number",
    21614: "not a mobile number",
    21617: "the text is too long",
    30003: "the phone was unreachable",
    30004: "the message was blocked",
    30005: "unknown number",
    30006: "a landline or an unreachable operator",
    30007: "the operator filtered the message",
    30034: "the sender is not registered",
}


def is_permanent(status: int, code: int | None) -> bool:
    """Whether asking again cannot help. 429 and 5xx pass; 401 and 403 are for an operator to mend, so they are
    tried again as well; any other 4xx is about this message."""
    if code in PERMANENT:
        return True
    return 400 <= status < 500 and status not in {401, 403, 408, 409, 425, 429}
