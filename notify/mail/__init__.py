"""E-mail: the MIME body and the SMTP adapter."""
