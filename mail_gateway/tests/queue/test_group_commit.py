import threading
import time

import psycopg2

from odoo.sql_db import connection_info_for
from odoo.tests import BaseCase, get_db_name, tagged

from odoo.addons.mail_gateway.tools.queue.group_commit import GroupCommit


@tagged("post_install", "-at_install")
class TestGroupCommit(BaseCase):
    """On connections of its own to the real database."""

    def setUp(self):
        super().setUp()
        self.connections = []
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE group_commit_test (id int PRIMARY KEY, value int CHECK (value < 100))")
        self.addCleanup(self.drop)
        self.commits = GroupCommit(self.connect, patience=5)
        self.addCleanup(self.commits.close)

    def connect(self):
        self.connections.append(psycopg2.connect(**connection_info_for(get_db_name())[1]))
        return self.connections[-1]

    def drop(self):
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("DROP TABLE group_commit_test")
        for connection in self.connections:
            connection.close()

    def insert(self, number, value=0):
        statement = (
            "INSERT INTO group_commit_test VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET value = EXCLUDED.value"
        )
        return self.commits.execute(statement, (number, value))

    def rows(self):
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT id, value FROM group_commit_test ORDER BY id")
            return cursor.fetchall()

    def test_a_result_comes_after_the_commit(self):
        self.assertEqual(self.insert(1).result(10), 1)
        self.assertEqual(self.rows(), [(1, 0)])

    def test_statements_of_several_threads_are_all_committed(self):
        threads = [threading.Thread(target=lambda n=n: self.insert(n).result(10)) for n in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(self.rows()), 50)

    def test_statements_are_executed_in_their_order(self):
        outcomes = [self.insert(1, value) for value in range(90)]
        outcomes[-1].result(10)
        self.assertEqual(self.rows(), [(1, 89)])

    def test_a_statement_at_fault_does_not_stop_the_others(self):
        good, bad, last = self.insert(1), self.insert(2, 1000), self.insert(3)
        self.assertIsInstance(bad.exception(10), psycopg2.errors.CheckViolation)
        self.assertEqual((good.result(10), last.result(10)), (1, 1))
        self.assertEqual(self.rows(), [(1, 0), (3, 0)])

    def test_a_value_that_the_database_cannot_take_stops_nobody_else(self):
        for value in ("a\0b", "\ud800", object()):
            outcomes = self.insert(1), self.commits.execute("SELECT %s", (value,)), self.insert(2)
            self.assertTrue(outcomes[1].exception(10))
            self.assertEqual((outcomes[0].result(10), outcomes[2].result(10)), (1, 1))
        self.assertIsInstance(self.commits.execute("SELECT %s, %s", (1,)).exception(10), IndexError)
        self.assertEqual(self.insert(3).result(10), 1)

    def test_nothing_waits_for_ever_once_it_is_closed(self):
        self.commits.close()
        self.assertTrue(self.insert(1).exception(10))
        self.commits.close()

    def test_a_database_that_stays_away_fails_all_that_wait_together(self):
        def away():
            raise psycopg2.OperationalError("no database")

        commits = GroupCommit(away, patience=0.5)
        self.addCleanup(commits.close)
        outcomes = [commits.execute("SELECT 1") for _statement in range(50)]
        began = time.monotonic()
        self.assertTrue(all(outcome.exception(10) for outcome in outcomes))
        self.assertLess(time.monotonic() - began, 5)

    def test_a_lost_connection_is_opened_again(self):
        self.insert(1).result(10)
        process = self.connections[-1].info.backend_pid
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [process])
        self.assertEqual(self.insert(2).result(10), 1)
        self.assertEqual(len(self.rows()), 2)

    def test_what_waits_is_committed_before_the_end(self):
        for number in range(30):
            self.insert(number)
        self.commits.close()
        self.assertEqual(len(self.rows()), 30)

    def test_an_error_while_connecting_reaches_whoever_waits(self):
        def refuse():
            raise ZeroDivisionError

        commits = GroupCommit(refuse)
        self.addCleanup(commits.close)
        self.assertIsInstance(commits.execute("SELECT 1").exception(10), ZeroDivisionError)
        self.assertIsInstance(commits.execute("SELECT 1").exception(10), ZeroDivisionError)
