"""SMS: the Twilio adapter and the table of its error codes."""
