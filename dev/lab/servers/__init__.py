"""The servers that Odoo talks to: PostgreSQL, Dovecot, Postfix, and small ones that misbehave on demand."""
