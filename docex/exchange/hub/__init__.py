"""The hub: receipts, mailboxes for agencies' systems, terms, webhooks, uploads, the signed directory."""
