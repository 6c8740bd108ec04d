"""E-mail: to SMTP servers, to providers over HTTP, or into the mailbox."""
