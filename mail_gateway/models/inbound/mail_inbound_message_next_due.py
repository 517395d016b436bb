"""The selection of the inbound message that a lane takes next."""

from odoo import api, fields, models
from odoo.tools import SQL

# A lane considers so many due messages, in the order of their times. When it can take none of them, it considers the
# first message of each conversation instead, however many messages follow that.
_OLDEST = 100
# For up to so many conversations, it makes one look-up for each. For more of them, one scan of the index is faster.
_MAX_CONVERSATIONS = 500
# It tries to lock up to so many messages, because other lanes may have locked the first ones.
_OFFERED = 32


class MailInboundMessage(models.Model):
    """Selects the message that a lane takes next.

    Odoo delivers only the first message of each conversation, once it is due (C13). However many messages wait, a lane
    finds the next one by some look-ups in the indexes below, and never reads the rows of all waiting messages.
    """

    _inherit = "mail.inbound.message"

    _due_index = models.Index("(next_try, id) WHERE state IN ('received', 'deferred')")
    _conversation_index = models.Index(
        "(conversation, id, next_try) WHERE state IN ('received', 'deferred') AND next_try IS NOT NULL"
    )
    _alone_index = models.Index("(next_try, id) WHERE state IN ('received', 'deferred') AND conversation IS NULL")

    @api.model
    def _lock_next_due(self):
        """Lock the message that has been due longest, unless it follows an undelivered one of its conversation.

        :return: the message; empty when no message is due, or other lanes are processing all due ones
        :raises psycopg2.errors.SerializationFailure: when another lane took it since the transaction began
        """
        self.flush_model()
        # During a flood of messages, the statistics are out of date: PostgreSQL expects few rows, and would read and sort
        # them all. It would also compile a query of such a cost (JIT), which takes a hundred times as long as running it.
        self.env.cr.execute("SET LOCAL enable_sort = off; SET LOCAL jit = off")
        now = fields.Datetime.now()
        oldest = self._oldest_due(now)
        message = self._lock_one_of([message for message, is_first in oldest if is_first])
        if message or len(oldest) < _OLDEST:
            return message
        waiting = self._first_of_conversations(now) + self._due_without_conversation(now)
        return self._lock_one_of([message for _next_try, message in sorted(waiting)])

    def _oldest_due(self, now):
        """Return (id, whether it is the first one of its conversation) of the messages that have been due longest."""
        return self._rows(
            SQL(
                """
                WITH due AS MATERIALIZED (
                    SELECT id, conversation, next_try
                      FROM mail_inbound_message
                     WHERE state IN ('received', 'deferred') AND next_try <= %s
                  ORDER BY next_try, id
                     LIMIT %s
                )
                SELECT due.id, due.conversation IS NULL OR due.id = (
                           SELECT earlier.id
                             FROM mail_inbound_message earlier
                            WHERE earlier.state IN ('received', 'deferred') AND earlier.next_try IS NOT NULL
                              -- written like this, no other index serves the order
                              AND (earlier.conversation, earlier.id) >= (due.conversation, 0)
                         ORDER BY earlier.conversation, earlier.id
                            LIMIT 1
                       )
                  FROM due
                """,
                now,
                _OLDEST,
            )
        )

    def _due_without_conversation(self, now):
        """Return (next try, id) of the messages without a conversation that have been due longest."""
        return self._rows(
            SQL(
                """
                SELECT next_try, id
                  FROM mail_inbound_message
                 WHERE state IN ('received', 'deferred') AND conversation IS NULL AND next_try <= %s
              ORDER BY next_try, id
                 LIMIT %s
                """,
                now,
                _OFFERED,
            )
        )

    def _first_of_conversations(self, now):
        """Return (next try, id) of due messages that are first in their conversations; of many, those due longest."""
        found = self._first_of_some_conversations()
        if len(found) == _MAX_CONVERSATIONS:
            return self._first_of_many_conversations(now)
        return [(next_try, message) for next_try, message in found if next_try <= now]

    def _first_of_some_conversations(self):
        """Return (next try, id) of the first message of each conversation, by one look-up for each, up to the limit."""
        return self._rows(
            SQL(
                """
                WITH RECURSIVE first AS (
                    (SELECT conversation, id, next_try
                       FROM mail_inbound_message
                      WHERE state IN ('received', 'deferred') AND next_try IS NOT NULL AND conversation IS NOT NULL
                   ORDER BY conversation, id
                      LIMIT 1)
                  UNION ALL
                    SELECT following.*
                      FROM first
        CROSS JOIN LATERAL (
                    SELECT conversation, id, next_try
                      FROM mail_inbound_message
                     WHERE state IN ('received', 'deferred') AND next_try IS NOT NULL
                       AND conversation > first.conversation
                  ORDER BY conversation, id
                     LIMIT 1
                    ) following
                )
                SELECT next_try, id FROM first LIMIT %s
                """,
                _MAX_CONVERSATIONS,
            )
        )

    def _first_of_many_conversations(self, now):
        return self._rows(
            SQL(
                """
                SELECT next_try, id
                  FROM (
                    SELECT DISTINCT ON (conversation) id, next_try
                      FROM mail_inbound_message
                     WHERE state IN ('received', 'deferred') AND next_try IS NOT NULL AND conversation IS NOT NULL
                  ORDER BY conversation, id
                       ) first
                 WHERE next_try <= %s
              ORDER BY next_try, id
                 LIMIT %s
                """,
                now,
                _OFFERED,
            )
        )

    def _rows(self, query):
        """Return the rows of a query. Conflicts and interruptions are not logged, because Odoo repeats the query."""
        self.env.cr.execute(query, log_exceptions=False)
        return self.env.cr.fetchall()

    def _lock_one_of(self, ids):
        """Lock the first of these messages that is not locked."""
        for message in ids[:_OFFERED]:
            self.env.cr.execute(
                SQL("SELECT id FROM mail_inbound_message WHERE id = %s FOR NO KEY UPDATE SKIP LOCKED", message),
                log_exceptions=False,
            )
            if self.env.cr.rowcount:
                return self.browse(message)
        return self.browse()
