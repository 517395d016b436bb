"""Which inbound message a lane takes next."""

from odoo import api, fields, models
from odoo.tools import SQL

# Due messages that are looked at in the order of their times. When none of them may be delivered yet, the first message
# of each conversation is looked at instead, however many wait behind it.
_OLDEST = 100
# That is done by one look-up for each conversation, for up to so many: of more, one walk through the index is faster.
_MAX_CONVERSATIONS = 500
# Offered to the row lock: other lanes may have locked the first ones.
_OFFERED = 32


class MailInboundMessage(models.Model):
    """Which message a lane takes next.

    Of each conversation only the first message is delivered, once it is due: C13. Whatever waits, a lane finds the next
    one by some look-ups in the indexes below, and never reads all messages that wait.
    """

    _inherit = "mail.inbound.message"

    _due_index = models.Index("(next_try, id) WHERE state IN ('received', 'deferred')")
    _conversation_index = models.Index(
        "(conversation, id, next_try) WHERE state IN ('received', 'deferred') AND next_try IS NOT NULL"
    )
    _alone_index = models.Index("(next_try, id) WHERE state IN ('received', 'deferred') AND conversation IS NULL")

    @api.model
    def _lock_next_due(self):
        """Lock the due message that waited longest, but none that follows an undelivered one of its conversation.

        :return: the message, empty when no message is due that no other lane works on
        :raises psycopg2.errors.SerializationFailure: when another lane took it since the transaction began
        """
        self.flush_model()
        # Statistics are older than a flood of messages: PostgreSQL would read and sort all that it expects to be few.
        # It would also compile the query for such a price, which takes a hundred times as long as running it.
        self.env.cr.execute("SET LOCAL enable_sort = off; SET LOCAL jit = off")
        now = fields.Datetime.now()
        oldest = self._oldest_due(now)
        message = self._lock_one_of([message for message, is_first in oldest if is_first])
        if message or len(oldest) < _OLDEST:
            return message
        waiting = self._first_of_conversations(now) + self._due_without_conversation(now)
        return self._lock_one_of([message for _next_try, message in sorted(waiting)])

    def _oldest_due(self, now):
        """(id, whether it is the first one of its conversation) of the messages that are due for the longest time."""
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
        """(next try, id) of the messages without a conversation that are due for the longest time."""
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
        """(next try, id) of due messages that are the first ones of their conversations; of many, those due longest."""
        found = self._first_of_some_conversations()
        if len(found) == _MAX_CONVERSATIONS:
            return self._first_of_many_conversations(now)
        return [(next_try, message) for next_try, message in found if next_try <= now]

    def _first_of_some_conversations(self):
        """(next try, id) of the first message of each conversation, for up to so many: one look-up for each."""
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
        """The answer to a query; one that is interrupted or in conflict is asked again, and nothing to be logged."""
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
