"""Messages from partners: received over SMTP, parsed, and handed to the exchange."""
