"""Documents between agencies: dispatch, intake, recalls, and the transports hub, mail and VXP."""
